//! What the length of a page does to the cost of a change.

use anyhow::{Context as _, Result, ensure};
use live_core::Config;

use super::{
    goal::Goal,
    grouped::grouped,
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
    let grew = format!("memory grew by, KB, in {} updates", grouped(updates as f64));
    let ten_times = format!("in {} updates", grouped(10.0 * updates as f64));
    let mut section = Section::new(row, &["posts", MICROS[0], MICROS[1], MICROS[2], &grew, &ten_times]);
    let mut plot = Lines::new("One change on a page", "posts on the page", "µs", grouped);
    for (size, own) in sizes.iter().zip(&rounds) {
        let at = |index: usize| middle(own, |figures| figures[index]);
        let micros = [0, 1, 2].map(|index| format!("{:.2}", at(index)));
        let kilobytes = [3, 4].map(|index| format!("{:.0}", at(index) / 1e3));
        section.table.push([grouped(*size as f64)].into_iter().chain(micros).chain(kilobytes).collect());
        // A frame of a hundred posts is another matter than one of one.
        for index in [0, 1] {
            plot.point(MICROS[index], *size as f64, at(index));
        }
    }
    let what = "time for one change on the longest page, against the shortest";
    let mut flat = Goal::new(
        what,
        "at most 10.00 on 10,000 times the posts",
        "A long page is larger than the processor's caches.",
    );
    let mut bounded = Goal::new("KB that memory grew by in all updates", "at most 5,243, by configuration", "");
    let limit = Config::default();
    let limit = (limit.ring_bytes + limit.conflated_bytes) as f64 / 1e3;
    for (index, name) in MICROS.iter().enumerate().take(2) {
        let [first, last] = [&rounds[0], &rounds[rounds.len() - 1]].map(|own| middle(own, |figures| figures[index]));
        flat.at_most(name, last / first, 10.0);
    }
    for (size, own) in sizes.iter().zip(&rounds) {
        bounded.at_most(&format!("{} posts", grouped(*size as f64)), middle(own, |figures| figures[4]) / 1e3, limit);
    }
    section.goals = vec![flat, bounded];
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
