//! How long deliveries took, as a process of readers sums it up: a few quantiles, in one line.

use std::{fmt, str::FromStr};

use anyhow::{Context as _, Error, Result};

/// In milliseconds, one for each of [`QUANTILES`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Latencies([f64; QUANTILES.len()]);

/// Parts of the deliveries; the rare ones are what readers complain of.
pub(crate) const QUANTILES: [f64; 9] = [0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0];

impl Latencies {
    /// Of so many deliveries as there are microseconds, in no order. Zeros if there are none.
    pub(crate) fn of_micros(micros: &mut [u32]) -> Self {
        micros.sort_unstable();
        let at = |part: f64| micros.get((micros.len().saturating_sub(1) as f64 * part) as usize);
        Self(QUANTILES.map(|part| f64::from(at(part).copied().unwrap_or(0)) / 1e3))
    }

    /// Within how many milliseconds this part of the deliveries was done; it is one of [`QUANTILES`].
    pub(crate) fn within(&self, part: f64) -> f64 {
        let index = QUANTILES.iter().position(|quantile| *quantile == part);
        index.map_or(f64::NAN, |index| self.0[index])
    }

    /// The longer one at each quantile.
    pub(crate) fn worst(self, other: Self) -> Self {
        Self(std::array::from_fn(|index| self.0[index].max(other.0[index])))
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<_> = self.0.iter().map(|millis| format!("{millis:.3}")).collect();
        f.write_str(&numbers.join(" "))
    }
}

impl FromStr for Latencies {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self> {
        let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self(numbers.try_into().ok().context("a summary has a number for each quantile")?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_read_as_it_was_written() {
        let latencies = Latencies::of_micros(&mut [4_000, 1_000, 2_000, 3_000, 5_000]);
        assert_eq!([latencies.within(0.0), latencies.within(0.5), latencies.within(1.0)], [1.0, 3.0, 5.0]);
        assert_eq!(latencies.to_string().parse::<Latencies>().unwrap(), latencies);
        assert_eq!(Latencies::of_micros(&mut []), Latencies::default());
    }
}
