//! When each line is due.

use std::{str::FromStr, time::Duration};

/// How fast a replay goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Speed {
    /// This many times faster than it happened.
    Times(f64),
    /// As fast as the server takes it.
    Max,
}

impl FromStr for Speed {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.strip_suffix('x').unwrap_or(text).parse::<f64>() {
            Ok(times) if times.is_finite() && times > 0.0 => Ok(Self::Times(times)),
            _ => Err("write a speed as 10x, 0.5x or max"),
        }
    }
}

/// Follows the times of a file, in the file's order: in a transcript a time that goes back is a slip of the pen, not another order.
#[derive(Debug)]
pub(super) struct Schedule {
    speed: Speed,
    longest_pause: Duration,
    /// Of the last line that said when.
    last: Option<f64>,
    due: Duration,
}

impl Schedule {
    pub(super) fn new(speed: Speed, longest_pause: Duration) -> Self {
        Self { speed, longest_pause, last: None, due: Duration::ZERO }
    }

    /// How long after the start the next line is due. One that does not say when follows the line before at once.
    pub(super) fn next(&mut self, at: Option<f64>) -> Duration {
        let Some(at) = at else { return self.due };
        let seconds = at - self.last.replace(at).unwrap_or(at);
        if let Speed::Times(times_faster) = self.speed {
            let pause = (seconds / times_faster).clamp(0.0, self.longest_pause.as_secs_f64());
            self.due += Duration::from_secs_f64(pause);
        }
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(speed: Speed, times: &[Option<f64>]) -> Vec<u128> {
        let mut schedule = Schedule::new(speed, Duration::from_secs(30));
        times.iter().map(|at| schedule.next(*at).as_millis()).collect()
    }

    #[test]
    fn lines_are_as_far_apart_as_it_happened_divided_by_the_speed() {
        let times = [Some(4.0), Some(20.0), None, Some(20.5)];
        assert_eq!(due(Speed::Times(2.0), &times), [0, 8_000, 8_000, 8_250]);
        assert_eq!(due(Speed::Max, &times), [0; 4]);
    }

    #[test]
    fn a_time_that_goes_back_plays_at_once_and_a_long_silence_is_cut_short() {
        let times = [Some(100.0), Some(7.0), Some(8.0), Some(1e300), Some(-1e300)];
        assert_eq!(due(Speed::Times(1.0), &times), [0, 0, 1_000, 31_000, 31_000]);
        assert_eq!(due(Speed::Times(1e-300), &times), [0, 0, 30_000, 60_000, 60_000]);
    }

    #[test]
    fn a_speed_is_a_factor_or_max() {
        assert_eq!("10x".parse(), Ok(Speed::Times(10.0)));
        assert_eq!("0.5".parse(), Ok(Speed::Times(0.5)));
        assert_eq!("max".parse(), Ok(Speed::Max));
        for bad in ["0", "-1x", "nan", "inf", "fast", "x", ""] {
            assert!(bad.parse::<Speed>().is_err(), "{bad}");
        }
    }
}
