//! Plain text as HTML: nothing that a reporter types is ever markup.

/// Escapes text for HTML, in content and in quoted attributes alike.
pub(crate) fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

/// Text as paragraphs: a blank line begins a new one, a line break stays one, web addresses become links.
pub(crate) fn paragraphs(text: &str) -> String {
    let mut html = String::new();
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim).chain([""]) {
        if !line.is_empty() {
            lines.push(linked(line));
        } else if !lines.is_empty() {
            html.push_str(&format!("<p>{}</p>", lines.join("<br>")));
            lines.clear();
        }
    }
    html
}

/// One line with its web addresses as links.
fn linked(line: &str) -> String {
    let mut html = String::new();
    let mut rest = line;
    while let Some(start) = ["https://", "http://"].iter().filter_map(|scheme| rest.find(scheme)).min() {
        let (before, from) = rest.split_at(start);
        let (address, after) = from.split_at(address_length(from));
        html.push_str(&escape(before));
        let shown = escape(address);
        if address.ends_with("://") {
            html.push_str(&shown);
        } else {
            // Whoever is quoted in a live blog is not recommended to search engines by it.
            html.push_str(&format!("<a href=\"{shown}\" rel=\"nofollow noopener\">{shown}</a>"));
        }
        rest = after;
    }
    html.push_str(&escape(rest));
    html
}

/// How far a web address goes: to the next space, less the punctuation of the sentence around it.
fn address_length(text: &str) -> usize {
    let end = text.find(|c: char| c.is_whitespace() || "<>\"".contains(c)).unwrap_or(text.len());
    let mut address = &text[..end];
    loop {
        let trimmed = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '…', '”', '’']);
        // A closing bracket is the address's own if it was opened there, as in Wikipedia's.
        let unopened = trimmed.ends_with(')') && trimmed.matches(')').count() > trimmed.matches('(').count();
        address = if unopened { &trimmed[..trimmed.len() - 1] } else { trimmed };
        if !unopened {
            // "https://" alone ends in what looks like punctuation, but is not an address to be cut.
            let scheme = text.find("://").map_or(0, |at| at + 3);
            return address.len().max(scheme);
        }
    }
}

/// What a reporter or a file sent, made fit to keep: line ends of one kind, no control characters, no space around it.
pub(crate) fn tidy(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| *c == '\n' || *c == '\t' || !c.is_control()).collect::<String>().trim().to_owned()
}

/// The beginning of a text in one line, for titles and previews.
pub(crate) fn summary(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(140) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_never_markup() {
        let html = paragraphs("<script>alert('1')</script> & \"so on\"");
        assert_eq!(html, "<p>&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;so on&quot;</p>");
    }

    #[test]
    fn blank_lines_part_paragraphs_and_single_breaks_stay() {
        assert_eq!(paragraphs("one\ntwo\n\n \n\nthree\n"), "<p>one<br>two</p><p>three</p>");
        assert_eq!(paragraphs("  \n "), "");
    }

    #[test]
    fn web_addresses_become_links_without_the_sentence_around_them() {
        for (text, address, rest) in [
            ("https://example.org/a?b=1&c=2.", "https://example.org/a?b=1&amp;c=2", "."),
            ("http://example.org/x_(y))", "http://example.org/x_(y)", ")"),
            ("https://example.org/?! then", "https://example.org/", "?! then"),
            ("https://example.org/\u{fc}\u{2019}s", "https://example.org/\u{fc}\u{2019}s", ""),
        ] {
            let link = format!("<p>see <a href=\"{address}\" rel=\"nofollow noopener\">{address}</a>{rest}</p>");
            assert_eq!(paragraphs(&format!("see {text}")), link);
        }
    }

    #[test]
    fn an_address_cannot_leave_its_attribute_and_no_other_scheme_is_linked() {
        let html = paragraphs("https://a.example/\"onmouseover=alert(1) javascript:alert(1) https://b.example/'x");
        assert_eq!(
            html,
            "<p><a href=\"https://a.example/\" rel=\"nofollow noopener\">https://a.example/</a>&quot;onmouseover=alert(1) javascript:alert(1) \
             <a href=\"https://b.example/&#39;x\" rel=\"nofollow noopener\">https://b.example/&#39;x</a></p>"
        );
    }

    #[test]
    fn a_scheme_alone_is_text() {
        assert_eq!(paragraphs("https:// and http://"), "<p>https:// and http://</p>");
        assert_eq!(paragraphs("https://."), "<p>https://.</p>");
    }

    #[test]
    fn control_characters_do_not_get_in() {
        assert_eq!(tidy(" a\r\nb\rc\0\u{7}\u{85}\td \n"), "a\nb\nc\td");
    }
}
