//! A plot of lines over a logarithmic axis, as SVG.

use std::fmt::Write as _;

pub(super) struct Plot {
    title: &'static str,
    across: &'static str,
    up: &'static str,
    lines: Vec<(String, Vec<(f64, f64)>)>,
}

impl Plot {
    pub(super) fn new(title: &'static str, across: &'static str, up: &'static str) -> Self {
        Self { title, across, up, lines: Vec::new() }
    }

    pub(super) fn point(&mut self, line: &str, x: f64, y: f64) {
        match self.lines.iter_mut().find(|(name, _)| name == line) {
            Some((_, points)) => points.push((x, y)),
            None => self.lines.push((line.to_owned(), vec![(x, y)])),
        }
    }

    pub(super) fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|(_, points)| points);
        let least = points().map(|(x, _)| x.log10()).fold(f64::MAX, f64::min);
        let most = points().map(|(x, _)| x.log10()).fold(least + 0.1, f64::max);
        let top = ceiling(points().map(|(_, y)| *y).fold(0.0, f64::max));
        let across = |x: f64| LEFT + (x.log10() - least) / (most - least) * WIDTH;
        let up = |y: f64| TOP + HEIGHT - y.max(0.0) / top * HEIGHT;
        let mut svg = String::from(HEAD);
        let _ = writeln!(svg, r##"<text x="{LEFT}" y="20" font-size="15">{}</text>"##, self.title);
        for step in 0..=4 {
            let value = top * f64::from(step) / 4.0;
            let (y, end) = (up(value), LEFT + WIDTH);
            let _ = writeln!(svg, r##"<path d="M{LEFT} {y:.1}H{end}" stroke="#ddd"/>"##);
            let _ =
                writeln!(svg, r##"<text x="{:.1}" y="{:.1}" text-anchor="end">{value}</text>"##, LEFT - 6.0, y + 4.0);
        }
        let _ = writeln!(svg, r##"<text x="{LEFT}" y="{:.1}" text-anchor="end">{}</text>"##, TOP - 10.0, self.up);
        for (x, _) in self.lines.first().map_or(&[][..], |(_, points)| points) {
            let _ = writeln!(
                svg,
                r##"<text x="{:.1}" y="{:.1}" text-anchor="middle">{x}</text>"##,
                across(*x),
                TOP + HEIGHT + 18.0
            );
        }
        let _ = writeln!(
            svg,
            r##"<text x="{:.1}" y="{:.1}">{}</text>"##,
            LEFT + WIDTH + 30.0,
            TOP + HEIGHT + 18.0,
            self.across
        );
        for ((name, points), (index, colour)) in self.lines.iter().zip(COLOURS.iter().enumerate()) {
            let path: Vec<_> = points.iter().map(|(x, y)| format!("{:.1},{:.1}", across(*x), up(*y))).collect();
            let _ = writeln!(
                svg,
                r##"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"##,
                path.join(" ")
            );
            let y = TOP + 14.0 + 18.0 * index as f64;
            let _ = writeln!(svg, r##"<text x="{:.1}" y="{y:.1}" fill="{colour}">{name}</text>"##, LEFT + WIDTH + 30.0);
        }
        svg + "</svg>\n"
    }
}

/// The next of 1, 2, 4, 8 or 20, 40, … at or above the value, so that its quarters are short numbers.
fn ceiling(value: f64) -> f64 {
    let ten = 10f64.powf(value.max(0.1).log10().floor());
    [1.0, 2.0, 4.0, 8.0].into_iter().map(|step| step * ten).find(|top| *top >= value).unwrap_or(20.0 * ten)
}

const HEAD: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 360" width="760" height="360" font-family="sans-serif" font-size="12">
<rect width="760" height="360" fill="white"/>
"#;
const LEFT: f64 = 60.0;
const TOP: f64 = 50.0;
const WIDTH: f64 = 540.0;
const HEIGHT: f64 = 270.0;

/// Told apart without seeing red and green (after Okabe and Ito).
const COLOURS: &[&str] = &["#000000", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#7f7f7f"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_points_and_its_name() {
        let mut plot = Plot::new("Cost", "readers", "µs");
        plot.point("bare", 100.0, 5.0);
        plot.point("bare", 1000.0, 4.0);
        let svg = plot.svg();
        assert!(svg.contains(r#"points="60.0,151.2 600.0,185.0""#) && svg.contains(">bare</text>"), "{svg}");
    }
}
