//! What Markdown says about the tree: its links lead somewhere, and the code that it quotes stands where it says.

use crate::tidy::TrackedFile;

/// A link to a file that has moved, or to a heading that reads otherwise now.
pub(crate) fn links_lead_somewhere(files: &[TrackedFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in documents(files) {
        for (number, line) in prose(&file.text) {
            for link in links(line).filter(|link| !is_elsewhere(link)) {
                if let Some(wrong) = broken(link, file, files) {
                    complaints.push(format!("{}:{number}: {link}: {wrong}", file.path));
                }
            }
        }
    }
    complaints
}

/// A code block under `<!-- from FILE -->` is quoted: its lines stand in that file, one after the other. A line with nothing but
/// an ellipsis leaves something out.
pub(crate) fn quotes_are_true(files: &[TrackedFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in documents(files) {
        for quote in quotes(&file.text) {
            let source = files.iter().find(|source| source.path == quote.source);
            let wrong = match source {
                None => "there is no such file".to_owned(),
                Some(source) => match first_untrue(&quote.lines, &source.text) {
                    None => continue,
                    Some(line) => format!("not there (any more): {line}"),
                },
            };
            complaints.push(format!("{}:{}: quotes {}; {wrong}", file.path, quote.number, quote.source));
        }
    }
    complaints
}

fn documents(files: &[TrackedFile]) -> impl Iterator<Item = &TrackedFile> {
    files.iter().filter(|file| file.path.ends_with(".md"))
}

/// The lines outside of code blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        (!in_code && !is_fence).then_some((index + 1, line))
    })
}

/// The targets of the links in a line.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

fn is_elsewhere(link: &str) -> bool {
    link.contains("://") || link.starts_with("mailto:")
}

fn broken(link: &str, from: &TrackedFile, files: &[TrackedFile]) -> Option<String> {
    let (path, heading) = link.split_once('#').map_or((link, None), |(path, heading)| (path, Some(heading)));
    let target = if path.is_empty() { from.path.clone() } else { resolve(&from.path, path) };
    let folder = format!("{target}/");
    if files.iter().any(|file| file.path.starts_with(&folder)) {
        return None;
    }
    let Some(file) = files.iter().find(|file| file.path == target) else {
        return Some(format!("there is no {target}"));
    };
    let heading = heading.filter(|_| file.path.ends_with(".md"))?;
    let is_there = prose(&file.text).any(|(_, line)| line.starts_with('#') && anchor(line) == heading);
    (!is_there).then(|| format!("{target} has no such heading"))
}

/// A path as a link in a file means it, relative to the root.
fn resolve(from: &str, path: &str) -> String {
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in path.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// What a heading is called in a link.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

struct Quote<'a> {
    source: &'a str,
    /// Of the line that names the source.
    number: usize,
    lines: Vec<&'a str>,
}

fn quotes(text: &str) -> Vec<Quote<'_>> {
    let mut lines = text.lines().enumerate();
    let mut quotes = Vec::new();
    while let Some((index, line)) = lines.next() {
        let source = line.trim().strip_prefix("<!-- from ").and_then(|rest| rest.strip_suffix(" -->"));
        let Some(source) = source else { continue };
        // The line that opens the block.
        lines.next();
        let block = lines.by_ref().map(|(_, line)| line).take_while(|line| !line.trim_start().starts_with("```"));
        quotes.push(Quote { source, number: index + 1, lines: block.collect() });
    }
    quotes
}

/// The first quoted line that does not follow, however deep it is indented.
fn first_untrue<'a>(quote: &[&'a str], source: &str) -> Option<&'a str> {
    let source: Vec<_> = source.lines().map(str::trim).collect();
    let mut rest = &source[..];
    for passage in quote.split(|line| ["…", "// …"].contains(&line.trim())).filter(|passage| !passage.is_empty()) {
        let lines: Vec<_> = passage.iter().map(|line| line.trim()).collect();
        let Some(at) = rest.windows(lines.len()).position(|window| window == lines) else {
            // Which of its lines: the first that is nowhere, or else the first.
            return passage.iter().find(|line| !rest.contains(&line.trim())).or(passage.first()).copied();
        };
        rest = &rest[at + lines.len()..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::file;

    #[test]
    fn a_link_to_nothing_is_found_with_its_line() {
        let target = |link: &str| {
            let text = format!("# A page\n\n[there]({link}), [out](https://live.example/), [here](#a-page)\n");
            let files = [
                file("docs/page.md", &text),
                file("docs/other.md", "## What a page owes: all\n```\n# no heading\n```\n"),
                file("src/lib.rs", ""),
            ];
            links_lead_somewhere(&files)
        };
        for right in ["other.md", "other.md#what-a-page-owes-all", "../src/lib.rs", "../src", "../src/", "./other.md"] {
            assert!(target(right).is_empty(), "{right}");
        }
        for wrong in ["gone.md", "other.md#gone", "other.md#no-heading", "src/lib.rs", "../lib.rs", "#gone"] {
            let found = target(wrong);
            assert_eq!(found.len(), 1, "{wrong}: {found:?}");
            assert!(found[0].starts_with("docs/page.md:3: "), "{found:?}");
        }
    }

    #[test]
    fn a_quote_that_is_not_true_any_more_is_found() {
        let source = "fn one() {\n    two();\n    three();\n}\n\nfn four() {}\n";
        let complaints = |quote: &str| {
            let text = format!("<!-- from src/lib.rs -->\n```rs\n{quote}\n```\n");
            quotes_are_true(&[file("page.md", &text), file("src/lib.rs", source)])
        };
        for right in ["two();\nthree();", "fn one() {\n// …\n}\n…\nfn four() {}", ""] {
            assert!(complaints(right).is_empty(), "{right}: {:?}", complaints(right));
        }
        for wrong in ["three();\ntwo();", "two();\nfour();", "fn four() {}\n…\ntwo();"] {
            assert_eq!(complaints(wrong).len(), 1, "{wrong}");
        }
        let text = "<!-- from gone.rs -->\n```rs\n```\n";
        assert_eq!(quotes_are_true(&[file("page.md", text)]).len(), 1);
    }
}
