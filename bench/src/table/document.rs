//! The page about performance: the sections around the figures, filled in.

use std::{fs, path::Path};

use anyhow::Result;

use super::{
    options::Options,
    section::{Section, lines},
};

const TEMPLATE: &str = include_str!("performance.md.template");

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
    let (brief, goals) = (brief(sections), goals(sections));
    let filled = [
        ("{{machine}}", machine),
        ("{{rounds}}", &rounds),
        ("{{size}}", if options.is_usual() { "" } else { SMALL_RUN }),
        ("{{brief}}", brief.trim_end()),
        ("{{goals}}", goals.trim_end()),
        ("{{figures}}", figures.trim_end()),
    ];
    let page = filled.iter().fold(TEMPLATE.to_owned(), |page, (mark, text)| page.replace(mark, text));
    fs::write(folder.join("performance.md"), page.trim_end().to_owned() + "\n")?;
    println!("written to {}", folder.join("performance.md").display());
    Ok(())
}

const SMALL_RUN: &str = "**Not with the numbers of readers and updates that the parts below speak of, and so only to see how this page looks.** ";

/// One line for each server, with a column of each section that has one.
fn brief(sections: &[Section]) -> String {
    let columns: Vec<_> = sections.iter().filter_map(|section| Some((section, section.brief.as_ref()?))).collect();
    let mut table = vec![vec![String::new()]];
    for (section, column) in &columns {
        table[0].push(format!("[{}](#{})", column.head, section.anchor()));
        for (server, _) in &column.cells {
            if !table.iter().any(|line| line[0] == *server) {
                table.push(vec![server.clone()]);
            }
        }
    }
    for line in table.iter_mut().skip(1) {
        for (_, column) in &columns {
            let cell = column.cells.iter().find(|(server, _)| *server == line[0]);
            line.push(cell.map_or(String::new(), |(_, cell)| cell.clone()));
        }
    }
    lines(&table)
}

fn goals(sections: &[Section]) -> String {
    let mut table = vec![["", "wanted", "found"].map(str::to_owned).to_vec()];
    let all = sections.iter().flat_map(|section| section.goals.iter().map(move |goal| (section, goal)));
    table.extend(all.clone().map(|(section, goal)| {
        vec![format!("[{}](#{})", goal.what, section.anchor()), goal.wanted.to_owned(), goal.values()]
    }));
    let (count, reached) = (all.clone().count(), all.filter(|(_, goal)| goal.is_reached()).count());
    format!("Of {count} goals, {reached} are reached by all of whom they are wanted.\n\n{}", lines(&table))
}
