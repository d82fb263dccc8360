//! [`Ssd1306`]: text on an OLED display, on an I2C bus.

use std::fmt;

use ::ssd1306::{
    I2CDisplayInterface, Ssd1306 as Driver,
    mode::{DisplayConfig, TerminalDisplaySize, TerminalMode, TerminalModeError},
    prelude::I2CInterface,
};
use embedded_hal::i2c::I2c;
use thingflow_core::Instant;

use super::{Actuator, ActuatorError};

pub use ::ssd1306::prelude::{
    DisplayRotation, DisplaySize72x40, DisplaySize96x16, DisplaySize128x32, DisplaySize128x64,
};

/// An OLED display with the chip SSD1306 that shows text.
///
/// - Takes texts: the whole picture, lines separated by `\n`. What is too long for a line, or too many lines, is cut off. The
///   letters are 8 by 8 points: 16 by 8 of them on 128 by 64. They are those of ASCII; any other shows as `?`.
/// - Only letters that have changed are written, each in three transfers: 0.4 ms at 400 kHz, so that a whole new picture
///   takes 50 ms: send less than that, or give it to `Scheduler::edge_sink`.
/// - Address: 0x3C; 0x3D with the resistor on the back moved.
/// - Wiring: 3.3 V to 5 V for modules with a regulator; the chip itself takes 3.3 V.
/// - Safe state: the last picture stays, unless it is to be [cleared](Self::clear_at_end). An old value looks as good as a
///   new one: show the time beside it, or clear.
/// - A display that did not answer is set up anew with the next text; one that was without power between two texts stays
///   dark. Use [`skip_errors`](super::ActuatorInput::skip_errors) if a program shall go on without it.
/// - Hazard: points that are always lit fade within months.
///
/// ```
/// use embedded_hal::i2c::I2c;
/// use thingflow_adapters::actuators::{ActuatorInput, ssd1306::{DisplaySize128x64, Ssd1306}};
/// use thingflow_core::prelude::*;
/// fn show<B: I2c>(bus: B) -> impl InputThing<f64> {
///     let display = Ssd1306::new(bus, DisplaySize128x64).clear_at_end();
///     let text = |celsius: f64| format!("Outside\n{celsius:.1} C");
///     pipe().map(text).to(ActuatorInput::new("display", display).skip_errors())
/// }
/// ```
///
/// Source: data sheet of Solomon Systech, rev. 1.1 (2008). Driver: the crate `ssd1306`.
pub struct Ssd1306<B, S> {
    driver: Driver<I2CInterface<B>, S, TerminalMode>,
    size: S,
    address: u8,
    columns: usize,
    rows: usize,
    /// What is to be seen, row by row; `None` if that is not known.
    shown: Option<Vec<char>>,
    clears: bool,
}

impl<B: I2c, S: TerminalDisplaySize + Copy> Ssd1306<B, S> {
    /// A display at 0x3C. It is not touched before the run starts.
    pub fn new(bus: B, size: S) -> Self {
        Self::with(bus, size, 0x3C, DisplayRotation::Rotate0, false)
    }

    fn with(bus: B, size: S, address: u8, rotation: DisplayRotation, clears: bool) -> Self {
        let interface = I2CDisplayInterface::new_custom_address(bus, address);
        let driver = Driver::new(interface, size, rotation).into_terminal_mode();
        let (width, height) = driver.dimensions();
        let (columns, rows) = (usize::from(width / 8), usize::from(height / 8));
        Self { driver, size, address, columns, rows, shown: None, clears }
    }

    /// Another address.
    ///
    /// # Panics
    /// If the chip cannot have it: 0x3C or 0x3D.
    #[must_use]
    #[track_caller]
    pub fn address(self, address: u8) -> Self {
        let possible = matches!(address, 0x3C | 0x3D);
        assert!(possible, "an SSD1306 has one of the addresses 0x3C and 0x3D, not {address:#04x}");
        let rotation = self.driver.rotation();
        Self::with(self.driver.release().release(), self.size, address, rotation, self.clears)
    }

    /// Turns the picture, for a display that is not mounted upright.
    #[must_use]
    pub fn rotation(self, rotation: DisplayRotation) -> Self {
        Self::with(self.driver.release().release(), self.size, self.address, rotation, self.clears)
    }

    /// The display is dark after the end of the stream.
    #[must_use]
    pub fn clear_at_end(mut self) -> Self {
        self.clears = true;
        self
    }

    /// The letters of a text, row by row.
    fn lay_out(&self, text: &str) -> Vec<char> {
        let mut letters = vec![' '; self.columns * self.rows];
        for (row, line) in letters.chunks_mut(self.columns).zip(text.lines()) {
            for (place, letter) in row.iter_mut().zip(line.chars()) {
                *place = if matches!(letter, ' '..='~') { letter } else { '?' };
            }
        }
        letters
    }

    fn show(&mut self, text: &str) -> Result<(), TerminalModeError> {
        let wanted = self.lay_out(text);
        let shown = match self.shown.take() {
            Some(shown) => shown,
            None => self.set_up()?,
        };
        let mut at = None;
        for (place, (letter, _)) in wanted.iter().zip(&shown).enumerate().filter(|(_, (new, old))| new != old) {
            if at != Some(place) {
                self.driver.set_position((place % self.columns) as u8, (place / self.columns) as u8)?;
            }
            self.driver.print_char(*letter)?;
            at = Some(place + 1);
        }
        self.shown = Some(wanted);
        Ok(())
    }

    /// Switches the display on, with an empty picture.
    fn set_up(&mut self) -> Result<Vec<char>, TerminalModeError> {
        self.driver.init()?;
        self.driver.clear()?;
        Ok(vec![' '; self.columns * self.rows])
    }
}

impl<B: I2c, S: TerminalDisplaySize + Copy> Actuator for Ssd1306<B, S> {
    type Command = String;
    type Error = ActuatorError<DisplayFault>;

    fn start(&mut self, now: Instant) -> Result<(), Self::Error> {
        self.act(String::new(), now)
    }
    fn act(&mut self, text: String, _: Instant) -> Result<(), Self::Error> {
        self.show(&text).map_err(|_| ActuatorError::bus(DisplayFault))
    }
    fn make_safe(&mut self) -> Result<(), Self::Error> {
        if self.clears { self.act(String::new(), Instant::ZERO) } else { Ok(()) }
    }
}

impl<B, S> fmt::Debug for Ssd1306<B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = (self.columns, self.rows);
        f.debug_struct("Ssd1306").field("size", &size).field("clears", &self.clears).finish_non_exhaustive()
    }
}

/// The display does not answer; its driver does not say what the bus said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DisplayFault;

impl fmt::Debug for DisplayFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the SSD1306 does not answer")
    }
}

/// As `Debug`.
impl fmt::Display for DisplayFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for DisplayFault {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actuators::ActuatorInput;
    use embedded_hal::i2c::{ErrorKind, ErrorType, Operation};
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
    use proptest::prelude::*;
    use std::sync::{Arc, Mutex};
    use thingflow_core::{Context, InputThing, Notice, pipe};

    /// A display as far as text needs it: addressing modes, position and memory, by the tables of the data sheet.
    /// Clones are the same display.
    #[derive(Clone)]
    struct Panel(Arc<Mutex<Memory>>);

    struct Memory {
        points: [[u8; 128]; 8],
        page: usize,
        column: usize,
        by_page: bool,
        on: bool,
        drawn: usize,
        broken: bool,
        how: Picture,
    }

    /// How the memory is shown.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    struct Picture {
        inverted: bool,
        all_lit: bool,
        scrolling: bool,
        pumped: bool,
        first_line: u8,
        offset: u8,
        lines: u8,
    }

    impl Panel {
        fn new() -> Self {
            let points = [[0xA5; 128]; 8]; // after power-on it holds anything
            Self(Arc::new(Mutex::new(Memory {
                points,
                page: 0,
                column: 0,
                by_page: true,
                on: false,
                drawn: 0,
                broken: false,
                how: Picture::default(),
            })))
        }

        fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
            self.0.lock().unwrap()
        }

        /// The points of a row of letters, `#` for one that is lit; blank ends are left out.
        fn row(&self, row: usize) -> Vec<String> {
            let page = self.memory().points[row];
            let line =
                |bit: u8| page.map(|points| if points >> bit & 1 == 1 { '#' } else { ' ' }).iter().collect::<String>();
            (0..8).map(|bit| line(bit).trim_end().to_owned()).collect()
        }

        fn is_dark(&self) -> bool {
            self.memory().points.iter().flatten().all(|points| *points == 0)
        }
    }

    impl Memory {
        fn command(&mut self, bytes: &[u8]) {
            match bytes {
                [0x20, mode] => self.by_page = *mode == 0b10,
                [0x21, from, _] => self.column = (*from).into(),
                [0x22, from, _] => self.page = (*from).into(),
                [page @ 0xB0..=0xB7] => self.page = (page & 7).into(),
                [low @ ..=0x0F, high @ 0x10..=0x1F] => self.column = usize::from(high << 4 | low),
                [0xA6 | 0xA7] => self.how.inverted = bytes[0] & 1 == 1,
                [0xA4 | 0xA5] => self.how.all_lit = bytes[0] & 1 == 1,
                [0x2E | 0x2F] => self.how.scrolling = bytes[0] & 1 == 1,
                [0x8D, pump] => self.how.pumped = pump & 0x04 != 0,
                [line @ 0x40..=0x7F] => self.how.first_line = line & 0x3F,
                [0xD3, offset] => self.how.offset = *offset,
                [0xA8, lines] => self.how.lines = *lines,
                [state @ 0xAE..=0xAF] => self.on = *state == 0xAF,
                _ => {}
            }
        }

        fn draw(&mut self, bytes: &[u8]) {
            self.drawn += 1;
            for points in bytes {
                self.points[self.page][self.column] = *points;
                self.column = (self.column + 1) % 128;
                if self.column == 0 && !self.by_page {
                    self.page = (self.page + 1) % 8;
                }
            }
        }
    }

    impl ErrorType for Panel {
        type Error = ErrorKind;
    }
    impl I2c for Panel {
        fn transaction(&mut self, _: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
            let mut memory = self.memory();
            for operation in operations {
                match operation {
                    _ if memory.broken => return Err(ErrorKind::Other),
                    Operation::Write([0x00, bytes @ ..]) => memory.command(bytes),
                    Operation::Write([0x40, bytes @ ..]) => memory.draw(bytes),
                    _ => return Err(ErrorKind::Other),
                }
            }
            Ok(())
        }
    }

    #[test]
    fn letters_stand_where_they_belong() {
        let panel = Panel::new();
        let display = ActuatorInput::new("display", Ssd1306::new(panel.clone(), DisplaySize128x64));
        pipe().to(display).feed(["a\n".to_owned() + &"-".repeat(15) + "Hi\n\u{b0}"]).unwrap();
        assert!(panel.memory().on);
        assert_eq!(panel.row(0), ["", "  ###", "     #", "  ####", " #   #", "  ####", "", ""].map(String::from));
        let h = panel.row(1).iter().map(|line| line.chars().skip(120).collect::<String>()).collect::<Vec<_>>();
        assert_eq!(h, [" #    #", " #    #", " ######", " #    #", " #    #", " #    #", "", ""]);
        assert_eq!(panel.row(2)[0], "  ####"); // a question mark; the "i" is cut off
        assert!(panel.row(3).iter().all(String::is_empty));
    }

    proptest! {
        #[test]
        fn f30_what_another_program_has_left_does_not_count(
            (inverted, all_lit, scrolling, pumped) in any::<(bool, bool, bool, bool)>(),
            (first_line, offset, lines) in (0_u8..64, 0_u8..64, 0_u8..64),
        ) {
            let panel = Panel::new();
            panel.memory().how = Picture { inverted, all_lit, scrolling, pumped, first_line, offset, lines };
            let mut display = Ssd1306::new(panel.clone(), DisplaySize128x64);
            display.start(Instant::ZERO).unwrap();
            prop_assert_eq!(panel.memory().how, Picture { pumped: true, lines: 63, ..Picture::default() });
            prop_assert!(panel.memory().on && panel.is_dark());
        }
    }

    #[test]
    fn only_what_has_changed_is_written_and_the_picture_stays() {
        let panel = Panel::new();
        let mut chain = pipe().to(ActuatorInput::new("display", Ssd1306::new(panel.clone(), DisplaySize128x64)));
        let cx = &mut Context::detached(Instant::ZERO);
        let _ = chain.notice(Notice::Start, cx).unwrap();
        assert!(panel.is_dark());
        for (text, letters) in [("19.5 C", 5), ("19.5 C", 0), ("20.1 C", 3), ("20.1", 1)] {
            let before = panel.memory().drawn;
            chain.next(text.to_owned(), cx).unwrap();
            assert_eq!(panel.memory().drawn - before, letters, "{text}");
        }
        let _ = chain.notice(Notice::Completed, cx).unwrap();
        drop(chain);
        assert!(!panel.is_dark());
    }

    #[test]
    fn is_dark_at_the_end_by_choice() {
        let panel = Panel::new();
        let display = Ssd1306::new(panel.clone(), DisplaySize128x64).clear_at_end();
        let display = display.address(0x3D).rotation(DisplayRotation::Rotate180);
        let mut chain = pipe().to(ActuatorInput::new("display", display));
        chain.next("old".to_owned(), &mut Context::detached(Instant::ZERO)).unwrap();
        assert!(!panel.is_dark());
        drop(chain);
        assert!(panel.is_dark());
    }

    #[test]
    fn address_and_rotation_go_in_either_order() {
        let (at, turn) = (0x3D, DisplayRotation::Rotate90);
        let display = || Ssd1306::new(Panel::new(), DisplaySize128x64);
        for display in [display().address(at).rotation(turn), display().rotation(turn).address(at)] {
            assert_eq!((display.address, display.columns, display.rows), (0x3D, 8, 16));
        }
    }

    #[test]
    #[should_panic(expected = "one of the addresses 0x3C and 0x3D, not 0x3e")]
    fn an_address_that_the_chip_cannot_have_is_refused() {
        let _ = Ssd1306::new(Panel::new(), DisplaySize128x64).address(0x3E);
    }

    #[test]
    fn a_display_that_was_away_is_set_up_again() {
        let panel = Panel::new();
        let mut display = Ssd1306::new(panel.clone(), DisplaySize128x64);
        display.act("a".to_owned(), Instant::ZERO).unwrap();
        let seen = panel.row(0);
        panel.memory().broken = true;
        display.act("b".to_owned(), Instant::ZERO).unwrap_err();
        {
            let mut memory = panel.memory();
            (memory.broken, memory.on, memory.points) = (false, false, [[0xA5; 128]; 8]);
        }
        display.act("a".to_owned(), Instant::ZERO).unwrap();
        assert!(panel.memory().on);
        assert_eq!(panel.row(0), seen);
    }

    #[test]
    fn a_display_that_is_not_there_ends_the_run_or_is_skipped() {
        let gone = || Transaction::write(0x3C, vec![0x00, 0xAE]).with_error(ErrorKind::Other);
        let mut bus = Mock::new(&[gone(), gone(), gone()]);
        let display = |bus: &Mock| ActuatorInput::new("display", Ssd1306::new(bus.clone(), DisplaySize128x32));
        let error = pipe().to(display(&bus)).feed(["x".to_owned()]).unwrap_err().to_string();
        assert!(error.starts_with("actuator `display`: the SSD1306 does not answer; check the wiring"), "{error}");
        pipe().to(display(&bus).skip_errors()).feed(["x".to_owned()]).unwrap();
        bus.done();
    }
}
