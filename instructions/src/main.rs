//! Runs one scenario, for callgrind to count: `live-scenario NAME` prints how often it did the thing, `live-scenario` the names.
//! `cargo xtask instructions` runs all of them.

use anyhow::{Context, Result};
use live_instructions::SCENARIOS;

fn main() -> Result<()> {
    let Some(name) = std::env::args().nth(1) else {
        SCENARIOS.iter().for_each(|scenario| println!("{}", scenario.name));
        return Ok(());
    };
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name);
    let scenario = scenario.with_context(|| format!("there is no scenario {name}"))?;
    println!("{}", (scenario.run)()?);
    Ok(())
}
