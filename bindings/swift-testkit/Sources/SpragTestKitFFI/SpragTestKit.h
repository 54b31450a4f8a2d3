// The buffers that cross the border are declared once, by the face: the kit's header then leaves them out.
#include "../../../swift/generated/SpragFFI.h"

#include "../../generated/SpragTestKitFFI.h"
