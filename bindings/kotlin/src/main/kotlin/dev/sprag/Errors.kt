package dev.sprag

/**
 * The stable number of the error, the same in every language: 1 store, 2 busy, 3 unavailable, 4 wrong key, 5 wrong account,
 * 6 exists, 7 no store, 8 newer, 9 unknown, 10 not protected, 11 not allowed, 12 misuse, 13 internal.
 */
public val SpragException.code: Int
    get() = message.orEmpty().substringBefore(':').toIntOrNull() ?: INTERNAL

/** What went wrong, in a few English words for a log, without the number. */
public val SpragException.text: String
    get() = message.orEmpty().substringAfter(": ")

/** Whether the same call may succeed later: the store is closed for now, or another process has it. */
public val SpragException.isTransient: Boolean
    get() = this is SpragException.Busy || this is SpragException.Unavailable

private const val INTERNAL = 13
