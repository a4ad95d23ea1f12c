//! Channel ids: whatever is one is a page of its own.

use crate::buses::{
    BusCase,
    store::{Node, TestStore, ids, patient},
};

/// What some store takes for a pattern, a tag, a path or an encoding; and names that differ by what somebody might normalise.
fn odd_names() -> Vec<String> {
    let names = [
        "*",
        "?",
        "[a-c]",
        "a?",
        "{tag}",
        "{tag}x",
        "{",
        "}",
        "}{",
        "{}",
        "%7D",
        "%",
        "%25",
        "a b",
        " ",
        " a",
        "a ",
        "..",
        ".",
        "a:b",
        "a.b",
        "a.*",
        "a.>",
        "a+b",
        "#",
        "$SYS",
        "group_",
        "\\x",
        "'",
        "\"",
        "a,b",
        "-",
        "_",
        "null",
        "0",
        "😀",
        "Ünïcode ✓",
        "\u{e9}",
        "e\u{301}",
        "A",
        "a",
        "\u{202e}x",
        "\u{feff}",
        "Ａ",
        "ﬀ",
        "ff",
    ];
    let long = ["x", "ü", "😀"].into_iter().flat_map(|character| {
        let almost = character.repeat(254);
        [format!("{almost}{character}"), format!("{almost}y"), almost]
    });
    names.into_iter().map(str::to_owned).chain(long).collect()
}

async fn every_channel_id_is_a_page_of_its_own(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let names = odd_names();
    let mut followers = Vec::new();
    for name in &names {
        followers.push(nodes[1].follow(name).await);
    }
    for (number, name) in names.iter().enumerate() {
        nodes[0].post(name, &number.to_string(), "its own").await;
    }
    for (number, (name, follower)) in names.iter().zip(&mut followers).enumerate() {
        assert!(follower.next().await.is_some(), "{name:?}");
        assert_eq!(ids(&follower.page), [number.to_string()], "{name:?}");
        assert!(follower.poll().is_pending(), "{name:?} heard of another page");
    }
}

async fn every_channel_id_is_stored_as_a_page_of_its_own(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let names = odd_names();
    let mut heads = Vec::new();
    for (number, name) in names.iter().enumerate() {
        heads.push(nodes[0].post(name, &number.to_string(), "its own").await);
    }
    let channels: Vec<_> = names.iter().map(|name| crate::server::channel_id(name)).collect();
    for node in &nodes {
        assert_eq!(node.0.heads(&channels).await.unwrap(), heads);
        for (number, name) in names.iter().enumerate() {
            assert_eq!(ids(&node.page(name).await), [number.to_string()], "{name:?}");
        }
    }
}

async fn every_post_id_and_every_text_arrives_as_it_is(store: TestStore) {
    let nodes: [Node; 2] = store.nodes(&patient()).await;
    let mut follower = nodes[1].follow("a").await;
    let texts = odd_names().into_iter().filter(|name| live_core::PostId::new(name).is_ok());
    let texts: Vec<_> = texts.chain(["__proto__", "constructor", "a/b"].map(str::to_owned)).collect();
    let html = "\u{0}\u{1f}\u{7f}\u{85}\u{2028}\u{2029}\u{fffd}\u{10ffff}\r\n\t\"'\\<b>&amp;</b>";
    for text in &texts {
        nodes[0].post("a", text, html).await;
        assert!(follower.next().await.is_some());
    }
    for page in [follower.page, nodes[1].page("a").await] {
        for text in &texts {
            let post = page.post(text).unwrap_or_else(|| panic!("no post {text:?}"));
            assert_eq!(post.html(), crate::server::render(text, html).html(), "{text:?}");
        }
    }
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] = bus_cases![
    every_channel_id_is_a_page_of_its_own + both,
    every_channel_id_is_stored_as_a_page_of_its_own,
    every_post_id_and_every_text_arrives_as_it_is + both,
];
