//! What the length of a page does to the cost of a change.

use anyhow::{Context as _, Result, ensure};

use super::{
    options::Options,
    plot::Lines,
    rounds::{compare, middle},
    rows::Row,
    section::Section,
    server::PATIENCE,
};
use crate::process::{self, Process};

const SIZES: &[usize] = &[10, 100, 1_000, 10_000, 100_000];

/// In the order in which the process prints them.
const MICROS: [&str; 3] = ["apply", "since", "conflate"];

pub(super) fn measure(row: &Row, options: &Options) -> Result<Section> {
    let most = if options.is_usual() { usize::MAX } else { 100 };
    let sizes: Vec<usize> = SIZES.iter().copied().filter(|size| *size <= most).collect();
    let updates = if options.is_usual() { 1_000 } else { 20 };
    let rounds = compare(options, &sizes, |size| figures(size, updates))?;
    let grew = format!("memory grew by, KB, in {updates} updates");
    let ten_times = format!("in {} updates", 10 * updates);
    let mut section = Section::new(row, &["posts", MICROS[0], MICROS[1], MICROS[2], &grew, &ten_times]);
    let mut plot = Lines::new("One change on a page", "posts on the page", "µs", |posts| posts.to_string());
    for (size, own) in sizes.iter().zip(&rounds) {
        let at = |index: usize| middle(own, |figures| figures[index]);
        let micros = [0, 1, 2].map(|index| format!("{:.2}", at(index)));
        let kilobytes = [3, 4].map(|index| format!("{:.0}", at(index) / 1e3));
        section.table.push([size.to_string()].into_iter().chain(micros).chain(kilobytes).collect());
        // A frame of a hundred posts is another matter than one of one.
        for index in [0, 1] {
            plot.point(MICROS[index], *size as f64, at(index));
        }
    }
    section.plots = vec![("performance-page-size.svg", plot.svg())];
    Ok(section)
}

fn figures(posts: usize, updates: usize) -> Result<Vec<f64>> {
    let mut process = Process::start(&["page", &posts.to_string(), &updates.to_string()], process::SERVERS)?;
    let line = process.line(PATIENCE)?;
    let figures: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>().context(line.clone())?;
    ensure!(figures.len() == 5, "not five numbers: {line}");
    Ok(figures)
}
