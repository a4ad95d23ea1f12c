//! A plot of lines, over an axis on which each tenfold is as far.

use super::{GREY, HEIGHT, LEFT, MARGIN, Sheet, TOP, WIDTH, stroke};

pub(in crate::table) struct Lines {
    title: &'static str,
    across: &'static str,
    unit: &'static str,
    /// What stands under a place on the axis.
    label: fn(f64) -> String,
    lines: Vec<(String, Vec<(f64, f64)>)>,
}

impl Lines {
    pub(in crate::table) fn new(
        title: &'static str,
        across: &'static str,
        unit: &'static str,
        label: fn(f64) -> String,
    ) -> Self {
        Self { title, across, unit, label, lines: Vec::new() }
    }

    pub(in crate::table) fn point(&mut self, line: &str, x: f64, y: f64) {
        match self.lines.iter_mut().find(|(name, _)| name == line) {
            Some((_, points)) => points.push((x, y)),
            None => self.lines.push((line.to_owned(), vec![(x, y)])),
        }
    }

    pub(in crate::table) fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|(_, points)| points);
        let least = points().map(|(x, _)| x.log10()).fold(f64::MAX, f64::min);
        let most = points().map(|(x, _)| x.log10()).fold(least + 0.1, f64::max);
        let across = |x: f64| LEFT + (x.log10() - least) / (most - least) * WIDTH;
        let mut sheet = Sheet::new(self.title, self.unit, points().map(|(_, y)| *y).fold(0.0, f64::max));
        for (x, _) in self.lines.first().map_or(&[][..], |(_, points)| points) {
            sheet.label(across(*x), &(self.label)(*x));
        }
        sheet.text((MARGIN, TOP + HEIGHT + 38.0), GREY, self.across);
        for (index, (name, points)) in self.lines.iter().enumerate() {
            let path: Vec<_> = points.iter().map(|(x, y)| format!("{:.1},{:.1}", across(*x), sheet.up(*y))).collect();
            let (path, stroke) = (path.join(" "), stroke(index));
            sheet.add(format_args!(r#"<polyline points="{path}" fill="none" stroke-width="2" {stroke}/>"#));
            sheet.name(index, name);
        }
        sheet.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_points_and_its_name() {
        let mut plot = Lines::new("Cost", "readers", "µs", |x| x.to_string());
        plot.point("bare", 100.0, 5.0);
        plot.point("bare", 1000.0, 4.0);
        let svg = plot.svg();
        assert!(svg.contains(r#"points="70.0,161.5 590.0,194.0""#) && svg.contains(">bare</text>"), "{svg}");
    }
}
