//! Plots as SVG: a few hundred bytes of text each, that a page can show and a change can be seen in.

mod bars;
mod lines;

use std::fmt::Write as _;

pub(super) use self::{bars::Bars, lines::Lines};
use super::grouped::grouped;

/// What both kinds have: a title, lines across at round values, and names at the right.
struct Sheet {
    svg: String,
    /// The value of the uppermost line.
    top: f64,
}

impl Sheet {
    /// For values up to this one.
    fn new(title: &str, unit: &str, most: f64) -> Self {
        let mut sheet = Self { svg: HEAD.to_owned(), top: ceiling(most) };
        sheet.text((MARGIN, 24.0), r#"font-size="15""#, title);
        sheet.text((MARGIN, TOP - 14.0), GREY, unit);
        for step in 0..=4 {
            let value = sheet.top * f64::from(step) / 4.0;
            let (y, end) = (sheet.up(value), LEFT + WIDTH);
            sheet.add(format_args!(r##"<path d="M{LEFT} {y:.1}H{end}" stroke="#ddd"/>"##));
            sheet.text((LEFT - 6.0, y + 4.0), r#"text-anchor="end""#, &grouped(value));
        }
        sheet
    }

    /// Where a value is, counted from the upper edge.
    fn up(&self, value: f64) -> f64 {
        TOP + HEIGHT - value.max(0.0) / self.top * HEIGHT
    }

    /// Under the lowest line.
    fn label(&mut self, x: f64, label: &str) {
        self.text((x, TOP + HEIGHT + 18.0), r#"text-anchor="middle""#, label);
    }

    /// A name at the right.
    fn name(&mut self, index: usize, name: &str) {
        let (x, y) = (LEFT + WIDTH + 20.0, TOP + 10.0 + 20.0 * index as f64);
        let stroke = stroke(index);
        self.add(format_args!(r#"<path d="M{x} {:.1}h16" stroke-width="4" {stroke}/>"#, y - 4.0));
        self.text((x + 22.0, y), "", name);
    }

    fn text(&mut self, (x, y): (f64, f64), attributes: &str, text: &str) {
        self.add(format_args!(r#"<text x="{x:.1}" y="{y:.1}" {attributes}>{text}</text>"#));
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // A string takes everything.
        let _ = writeln!(self.svg, "{element}");
    }

    fn finish(self) -> String {
        self.svg + "</svg>\n"
    }
}

/// How the line of this index is drawn; after as many as there are colours they are broken ones.
fn stroke(index: usize) -> String {
    let broken = if index < COLOURS.len() { "" } else { r#" stroke-dasharray="6 3""# };
    format!(r#"stroke="{}"{broken}"#, colour(index))
}

fn colour(index: usize) -> &'static str {
    COLOURS[index % COLOURS.len()]
}

/// The next of 1, 2, 4, 8 or 20, 40, … at or above the value, so that its quarters are short numbers.
fn ceiling(value: f64) -> f64 {
    let ten = 10f64.powf(value.max(0.1).log10().floor());
    [1.0, 2.0, 4.0, 8.0].into_iter().map(|step| step * ten).find(|top| *top >= value).unwrap_or(20.0 * ten)
}

/// White, whatever it is shown on: a page in dark colours does not reach into a picture.
const HEAD: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 370" width="760" height="370" font-family="sans-serif" font-size="12">
<rect width="760" height="370" rx="6" fill="white"/>
"#;
const GREY: &str = r##"fill="#555""##;
const MARGIN: f64 = 16.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 64.0;
const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 260.0;

/// Told apart without seeing red and green (after Okabe and Ito).
const COLOURS: &[&str] = &["#000000", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#7f7f7f"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uppermost_value_has_short_quarters() {
        assert_eq!([0.0, 0.7, 5.2, 80.0, 81.0, 33_000.0].map(ceiling), [0.1, 0.8, 8.0, 80.0, 200.0, 40_000.0]);
    }
}
