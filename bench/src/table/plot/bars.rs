//! A plot of bars in groups.

use super::{HEIGHT, LEFT, Sheet, TOP, WIDTH, colour};

pub(in crate::table) struct Bars {
    title: &'static str,
    unit: &'static str,
    /// What the bars of each group are, from the left.
    names: &'static [&'static str],
    groups: Vec<(String, Vec<f64>)>,
}

impl Bars {
    pub(in crate::table) fn new(title: &'static str, unit: &'static str, names: &'static [&'static str]) -> Self {
        Self { title, unit, names, groups: Vec::new() }
    }

    /// As many values as there are names.
    pub(in crate::table) fn group(&mut self, label: &str, values: Vec<f64>) {
        self.groups.push((label.to_owned(), values));
    }

    pub(in crate::table) fn svg(&self) -> String {
        let values = self.groups.iter().flat_map(|(_, values)| values);
        let mut sheet = Sheet::new(self.title, self.unit, values.copied().fold(0.0, f64::max));
        let width = WIDTH / self.groups.len().max(1) as f64;
        // Half a bar at each side of a group.
        let bar = width / (self.names.len() + 1) as f64;
        for (group, (label, values)) in self.groups.iter().enumerate() {
            let left = LEFT + width * group as f64;
            sheet.label(left + width / 2.0, label);
            for (index, value) in values.iter().enumerate() {
                let (x, y) = (left + bar * (index as f64 + 0.5), sheet.up(*value));
                let (height, colour) = (TOP + HEIGHT - y, colour(index));
                sheet.add(format_args!(
                    r#"<rect x="{x:.1}" y="{y:.1}" width="{:.1}" height="{height:.1}" fill="{colour}"/>"#,
                    bar * 0.9
                ));
            }
        }
        for (index, name) in self.names.iter().enumerate() {
            sheet.name(index, name);
        }
        sheet.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_high_as_its_value() {
        let mut plot = Bars::new("Polls", "requests", &["nothing", "bytes"]);
        plot.group("axum", vec![200.0, 100.0]);
        let svg = plot.svg();
        let bars = [r##"height="260.0" fill="#000000""##, r##"height="130.0" fill="#0072b2""##];
        assert!(bars.iter().all(|bar| svg.contains(bar)), "{svg}");
        assert!(svg.contains(">axum</text>") && svg.contains(">bytes</text>"), "{svg}");
    }
}
