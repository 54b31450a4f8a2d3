package dev.sprag

import java.io.ByteArrayOutputStream
import java.io.PrintStream
import kotlin.test.Test
import kotlin.test.assertEquals

class ReadmeTest {
    @Test
    fun theProgramInTheReadmeWorks() {
        val (screen, shown) = System.out to ByteArrayOutputStream()
        System.setOut(PrintStream(shown))
        try {
            Class.forName("ReadmeKt").getMethod("main").invoke(null)
        } finally {
            System.setOut(screen)
        }
        assertEquals("alice says hello", shown.toString().trim())
    }
}
