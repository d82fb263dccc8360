//! [`Buzzer`]: patterns of tones, on a pin or a PWM output.
//!
//! Own code: drivers there are block while they sound.

use std::fmt;
use std::time::Duration;

use embedded_hal::digital::{OutputPin, PinState};
use thingflow_core::Instant;

use super::sysfs_pwm::{SysfsPwm, SysfsPwmError};
use super::{Actuator, ActuatorError};

/// What a buzzer does, step by step: tones and silences.
///
/// ```
/// use std::time::Duration;
/// use thingflow_adapters::actuators::buzzer::Pattern;
/// let ms = Duration::from_millis;
/// let door = Pattern::tone(880, ms(300)).then(Pattern::tone(660, ms(500)));
/// let alarm = Pattern::beep(ms(200)).then(Pattern::silence(ms(300))).forever();
/// # let _ = (door, alarm);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    steps: Vec<(Option<u32>, Duration)>,
    /// How often; `None` for ever.
    times: Option<u32>,
}

impl Pattern {
    /// A tone of so many hertz. A buzzer that knows only one tone gives that.
    pub fn tone(hertz: u32, time: Duration) -> Self {
        Self { steps: vec![(Some(hertz), time)], times: Some(1) }
    }

    /// A tone of 2,300 hertz, where most buzzers are loudest.
    pub fn beep(time: Duration) -> Self {
        Self::tone(2300, time)
    }

    /// No tone.
    pub fn silence(time: Duration) -> Self {
        Self { steps: vec![(None, time)], times: Some(1) }
    }

    /// Nothing at all: ends what is being played.
    pub fn stop() -> Self {
        Self { steps: Vec::new(), times: Some(1) }
    }

    /// Another pattern behind this one. What is for ever counts once here.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        let mut steps = self.once();
        steps.extend(next.once());
        Self { steps, times: Some(1) }
    }

    /// All of it, so many times.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { steps: self.once(), times: Some(times) }
    }

    /// All of it, until something else is to be played.
    #[must_use]
    pub fn forever(self) -> Self {
        Self { steps: self.once(), times: None }
    }

    /// The steps, written out.
    fn once(self) -> Vec<(Option<u32>, Duration)> {
        self.steps.repeat(self.times.unwrap_or(1) as usize)
    }

    fn length(&self) -> Duration {
        self.steps.iter().fold(Duration::ZERO, |sum, (_, time)| sum.saturating_add(*time))
    }
}

/// What makes the tone.
pub trait Sounder {
    /// Why it failed.
    type Error: fmt::Debug + Send + Sync + 'static;

    /// Sounds at so many hertz, or is silent.
    ///
    /// # Errors
    /// If it cannot be reached.
    fn sound(&mut self, hertz: Option<u32>) -> Result<(), Self::Error>;
}

/// A buzzer with an oscillator of its own, which sounds while its pin is high.
#[derive(Clone, Debug)]
pub struct OnPin<P> {
    pin: P,
    active_low: bool,
}

impl<P: OutputPin> OnPin<P> {
    /// A buzzer that sounds while its pin is high.
    pub fn new(pin: P) -> Self {
        Self { pin, active_low: false }
    }

    /// It sounds while its pin is low, as most boards with a transistor do.
    #[must_use]
    pub fn active_low(self) -> Self {
        Self { active_low: true, ..self }
    }
}

impl<P: OutputPin<Error: Send + Sync + 'static>> Sounder for OnPin<P> {
    type Error = P::Error;
    fn sound(&mut self, hertz: Option<u32>) -> Result<(), P::Error> {
        self.pin.set_state(PinState::from(hertz.is_some() != self.active_low))
    }
}

/// A buzzer without an oscillator, or a small loudspeaker.
impl Sounder for SysfsPwm {
    type Error = SysfsPwmError;
    fn sound(&mut self, hertz: Option<u32>) -> Result<(), SysfsPwmError> {
        use embedded_hal::pwm::SetDutyCycle;
        let Some(hertz) = hertz else { return self.set_duty_cycle(0) };
        self.set_period(Duration::from_secs(1) / hertz.max(1))?;
        self.set_duty_cycle_percent(50)
    }
}

/// A buzzer: it plays patterns while the program goes on.
///
/// - Takes [`Pattern`]s. A new one ends what is being played.
/// - Unit: hertz. A buzzer with an oscillator knows one tone; one without is loud near its resonance, mostly 2,000 to
///   4,000.
/// - A step that is late does not delay those behind it.
/// - Safe state: silence, so the last pattern is cut off when the stream ends.
/// - Hazards: one on 5 V, or one with a coil, draws more than a pin gives: it wants a transistor, and the coil a diode.
///
/// ```
/// use std::time::Duration;
/// use thingflow_adapters::actuators::{ActuatorInput, buzzer::{Buzzer, OnPin, Pattern}};
/// use thingflow_adapters::gpio::SimulatedPin;
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::ListSensor;
/// let ms = Duration::from_millis;
/// let ring = Pattern::beep(ms(100)).then(Pattern::silence(ms(100))).times(3);
/// let (pin, bell) = (SimulatedPin::new(), SensorOutput::new(ListSensor::new("bell", [true])));
/// bell.map(move |_| ring.clone()).connect(ActuatorInput::new("buzzer", Buzzer::new(OnPin::new(pin.clone()))));
/// let mut scheduler = Scheduler::virtual_time()?;
/// scheduler.schedule_periodic(bell, ms(1000))?;
/// scheduler.run_forever()?;
/// assert_eq!(pin.writes(), [false, true, false, true, false, true, false]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: data sheet of the CEM-1203(42) (CUI): 2,048 Hz, 35 mA. Driver: any [`Sounder`].
pub struct Buzzer<S> {
    sounder: S,
    pattern: Pattern,
    /// The next step.
    next: usize,
    /// When it comes.
    due: Instant,
    /// What was sounded last, if that went well.
    last: Option<Option<u32>>,
}

impl<S: Sounder> Buzzer<S> {
    /// A buzzer, silent.
    pub fn new(sounder: S) -> Self {
        Self { sounder, pattern: Pattern::stop(), next: 0, due: Instant::NEVER, last: None }
    }

    /// Goes on to the step that belongs to this time.
    fn play(&mut self, now: Instant) -> Result<(), ActuatorError<S::Error>> {
        let mut tone = None;
        while self.due <= now {
            if self.next == self.pattern.steps.len() && !self.again() {
                return self.make_safe();
            }
            let (next, time) = self.pattern.steps[self.next];
            tone = next;
            self.due = self.due + time;
            self.next += 1;
        }
        self.sound(tone) // if that fails, the next step is tried
    }

    /// Begins anew, if the pattern is to be played again.
    fn again(&mut self) -> bool {
        self.next = 0;
        match &mut self.pattern.times {
            Some(times) => {
                *times = times.saturating_sub(1);
                *times > 0
            }
            None => true,
        }
    }

    fn sound(&mut self, tone: Option<u32>) -> Result<(), ActuatorError<S::Error>> {
        if self.last == Some(tone) {
            return Ok(());
        }
        self.last = None;
        self.sounder.sound(tone).map_err(ActuatorError::bus)?;
        self.last = Some(tone);
        Ok(())
    }
}

impl<S: Sounder> Actuator for Buzzer<S> {
    type Command = Pattern;
    type Error = ActuatorError<S::Error>;

    fn act(&mut self, pattern: Pattern, now: Instant) -> Result<(), Self::Error> {
        if pattern.times == Some(0) || pattern.length().is_zero() {
            return self.make_safe();
        }
        (self.pattern, self.next, self.due) = (pattern, 0, now);
        self.play(now)
    }
    fn due(&self) -> Instant {
        self.due
    }
    fn wake(&mut self, now: Instant) -> Result<(), Self::Error> {
        if now.since(self.due) > self.pattern.length() {
            self.due = now; // the machine was asleep
        }
        self.play(now)
    }
    fn make_safe(&mut self) -> Result<(), Self::Error> {
        self.due = Instant::NEVER;
        self.sound(None)
    }
}

impl<S> fmt::Debug for Buzzer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buzzer").field("pattern", &self.pattern).field("due", &self.due).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actuators::ActuatorInput;
    use crate::gpio::SimulatedPin;
    use embedded_hal_mock::eh1::MockError;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};
    use std::fs;
    use thingflow_core::testing::ListSensor;
    use thingflow_core::{Chain, Context, Elementwise, InputThing, Notice, Scheduler, SensorOutput};

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// What the pin is at each tenth of a second, with a pattern at each second.
    fn levels(patterns: impl Into<Vec<Pattern>>) -> String {
        let (pin, mut scheduler) = (SimulatedPin::new(), Scheduler::virtual_time().unwrap());
        let patterns: Vec<_> = patterns.into();
        let tenths = 10 * (patterns.len() + 1) + 2;
        let played = SensorOutput::new(ListSensor::new("pattern", patterns));
        played.map(|e| e.val).connect(ActuatorInput::new("buzzer", Buzzer::new(OnPin::new(pin.clone()))));
        scheduler.schedule_periodic(played, ms(1000)).unwrap();
        let step = |_| {
            scheduler.run_for(ms(100)).unwrap();
            if pin.level() { '1' } else { '.' }
        };
        (0..tenths).map(step).collect()
    }

    #[test]
    fn plays_while_the_program_goes_on() {
        let beep = Pattern::beep(ms(200)).then(Pattern::silence(ms(100)));
        assert_eq!(levels([beep.clone().times(2)]), ".........11.11........");
        assert_eq!(levels([beep.forever()]), ".........11.11.11.1..."); // cut off at the end of the stream
    }

    #[test]
    fn a_new_pattern_ends_the_old_one() {
        let patterns = [Pattern::beep(ms(5000)), Pattern::stop(), Pattern::beep(ms(100))];
        assert_eq!(levels(patterns), ".........1111111111..........1............");
    }

    #[test]
    fn nothing_to_play_is_silence() {
        let nothing = [Pattern::beep(ms(0)).forever(), Pattern::beep(ms(100)).times(0)];
        assert_eq!(levels(nothing), "................................");
    }

    #[test]
    fn a_late_step_does_not_delay_the_others() {
        let mut pin = Mock::new(&[State::Low, State::High, State::Low, State::High].map(Transaction::set));
        let mut buzzer = ActuatorInput::new("buzzer", Buzzer::new(OnPin::new(pin.clone())));
        let at = |millis| Context::detached(Instant::ZERO + ms(millis));
        let _ = buzzer.notice(Notice::Start, &mut at(0)).unwrap();
        let beep = Pattern::beep(ms(100)).then(Pattern::silence(ms(100)));
        buzzer.next(beep.forever(), &mut at(0)).unwrap();
        let _ = buzzer.notice(Notice::Wake, &mut at(110)).unwrap();
        let _ = buzzer.notice(Notice::Wake, &mut at(150)).unwrap(); // for somebody else
        let _ = buzzer.notice(Notice::Wake, &mut at(200)).unwrap();
        pin.done();
        std::mem::forget(buzzer); // its silence is not expected here
    }

    #[test]
    fn a_buzzer_that_is_active_low_is_silent_at_high() {
        let pin = SimulatedPin::new();
        let mut buzzer = Buzzer::new(OnPin::new(pin.clone()).active_low());
        buzzer.start(Instant::ZERO).unwrap();
        buzzer.act(Pattern::beep(ms(100)), Instant::ZERO).unwrap();
        buzzer.wake(Instant::ZERO + ms(100)).unwrap();
        assert_eq!(pin.writes(), [true, false, true]);
    }

    #[test]
    fn a_failure_costs_one_step() {
        let lost = Transaction::set(State::High).with_error(MockError::Io(std::io::ErrorKind::TimedOut));
        let mut pin = Mock::new(&[lost, Transaction::set(State::Low)]);
        let mut buzzer = Buzzer::new(OnPin::new(pin.clone()));
        buzzer.act(Pattern::beep(ms(100)), Instant::ZERO).unwrap_err();
        assert_eq!(buzzer.due(), Instant::ZERO + ms(100));
        buzzer.wake(Instant::ZERO + ms(100)).unwrap();
        assert_eq!(buzzer.due(), Instant::NEVER);
        pin.done();
    }

    #[test]
    fn tones_are_periods_of_the_kernels_output() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("pwmchip0/pwm0");
        fs::create_dir_all(&folder).unwrap();
        for (file, text) in [("../npwm", "1"), ("duty_cycle", "0"), ("period", "0"), ("enable", "0")] {
            fs::write(folder.join(file), text).unwrap();
        }
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        let mut buzzer = Buzzer::new(SysfsPwm::open_in(root.path(), 0, 0, ms(1)).unwrap());
        buzzer.act(Pattern::tone(500, ms(100)), Instant::ZERO).unwrap();
        assert_eq!((read("period").as_str(), read("duty_cycle").as_str()), ("2000000", "999984"));
        buzzer.wake(Instant::ZERO + ms(100)).unwrap();
        assert_eq!((read("duty_cycle").as_str(), buzzer.due()), ("0", Instant::NEVER));
    }
}
