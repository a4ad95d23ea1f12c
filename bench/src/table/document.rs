//! The page about performance: the sections around the figures, filled in.

use std::{fs, path::Path};

use anyhow::Result;

use super::{options::Options, section::Section};

const TEMPLATE: &str = include_str!("performance.md");

/// Writes `performance.md` and its plots into a folder.
pub(super) fn write(folder: &Path, machine: &str, options: &Options, sections: &[Section]) -> Result<()> {
    let mut figures = String::new();
    for section in sections {
        figures += &format!("{section}\n");
        for (name, svg) in &section.plots {
            fs::write(folder.join(name), svg)?;
            figures += &format!("![{}]({name})\n\n", section.title);
        }
    }
    let rounds = match options.rounds {
        1 => "One round".to_owned(),
        rounds => format!("Medians of {rounds} rounds"),
    };
    let filled = [("{{machine}}", machine), ("{{rounds}}", &rounds), ("{{figures}}\n", figures.trim_end())];
    let page = filled.iter().fold(TEMPLATE.to_owned(), |page, (mark, text)| page.replace(mark, text));
    fs::write(folder.join("performance.md"), page.trim_end().to_owned() + "\n")?;
    println!("written to {}", folder.join("performance.md").display());
    Ok(())
}
