//! What happens to a phone itself: its keys, its clock, its randomness, its disk.

use sprag::Error;

use super::step::Bad;
use super::unit::Backup;
use super::{Held, OFF, World, wrong};
use crate::environment::Source;

impl World {
    pub(super) fn rekey(&mut self, who: usize) -> Held<String> {
        // Other processes must open the store anew.
        self.units[who].phone.stop(1);
        let line = format!("{}'s store gets another key", self.label(who));
        let line = match self.units[who].phone.rekey() {
            Ok(()) => line,
            Err(error) => format!("{line}: {}", self.refused(who, error)?),
        };
        self.start_all(who)?;
        Ok(line)
    }

    pub(super) fn suspend(&mut self, who: usize, handle: usize) -> Held<String> {
        let phone = &self.units[who].phone;
        let suspended = phone.with(handle, |client| {
            let suspended = client.suspend();
            let refused = client.events(0, 1).err();
            client.resume()?;
            suspended.map(|()| refused)
        });
        let line = format!("{}#{handle} is suspended and resumed", self.label(who));
        match suspended {
            Ok(Some(Error::Unavailable)) => Ok(line),
            Ok(other) => wrong("a suspended store is closed", format!("{other:?}")),
            Err(error) => Ok(format!("{line}: {}", self.refused(who, error)?)),
        }
    }

    pub(super) fn clock(&mut self, who: usize, seconds: i64) -> Option<String> {
        let unit = &mut self.units[who];
        let ahead = unit.ahead + seconds;
        if !OFF.contains(&ahead) {
            return None;
        }
        unit.ahead = ahead;
        unit.phone.instruments.jump(seconds);
        self.latest = self.latest.max(unit.phone.instruments.seconds());
        Some(format!("{}'s clock jumps {seconds} s", self.label(who)))
    }

    pub(super) fn snapshot(&mut self, who: usize) -> String {
        let unit = &mut self.units[who];
        let (image, randomness) = (unit.phone.disk().contents(), unit.randomness());
        let (app, keys) = (unit.app.clone(), unit.phone.keys());
        unit.backups.push(Backup { image, app, keys, randomness });
        format!("{}: a backup is made", self.label(who))
    }

    pub(super) fn restore(&mut self, who: usize, which: usize, randomness: bool) -> Held<Option<String>> {
        let unit = &mut self.units[who];
        let count = unit.backups.len();
        if count == 0 {
            return Ok(None);
        }
        let backup = &unit.backups[which % count];
        let (image, app, source) = (backup.image.clone(), backup.app.clone(), backup.randomness.clone());
        let keys = backup.keys.clone();
        unit.restored = true;
        unit.lost_power = true;
        unit.trouble = None;
        unit.tasks.clear();
        // What was written since is in no backup, and may be sent again all the same: by the user.
        let mine = std::mem::replace(&mut unit.app, app).mine;
        unit.app.mine.extend(mine);
        unit.phone.replace(image);
        unit.phone.put_keys(keys);
        if randomness {
            unit.phone.instruments.draw_from(source);
            unit.good = None;
            unit.dry = false;
        }
        self.start_all(who)?;
        Ok(Some(format!("{}'s phone is put back to backup {} of {count}", self.label(who), which % count)))
    }

    pub(super) fn randomness(&mut self, who: usize, bad: Bad) -> String {
        let unit = &mut self.units[who];
        let instruments = &unit.phone.instruments;
        unit.dry = bad == Bad::Dry;
        let source = match bad {
            Bad::Constant => Source::Constant(0x55),
            Bad::Dry => Source::Dry,
            Bad::Good => unit.good.take().unwrap_or_else(|| instruments.source()),
        };
        let before = instruments.draw_from(source);
        if matches!(before, Source::Seeded(_)) && bad != Bad::Good {
            unit.good = Some(before);
        }
        format!("{}'s randomness is {bad:?}", self.label(who))
    }
}
