//! The names of pages in Redis.

use std::borrow::Cow;

use crate::id::ChannelId;

/// `PREFIX:{CHANNEL}`: the braces keep all keys of a page in one slot of a cluster, so none may stand in the channel, nor `%`, which
/// encodes them. All other text is as it is.
#[derive(Debug, Clone)]
pub(super) struct Names {
    before: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self { before: format!("{prefix}:{{") }
    }

    /// The key of the page, and the channel that its updates are announced on.
    pub(super) fn page(&self, channel: &ChannelId) -> String {
        format!("{}{}}}", self.before, encode(channel.as_str()))
    }

    pub(super) fn channel_of(&self, page: &[u8]) -> Option<ChannelId> {
        let encoded = std::str::from_utf8(page).ok()?.strip_prefix(&self.before)?.strip_suffix('}')?;
        ChannelId::new(encoded.replace("%7B", "{").replace("%7D", "}").replace("%25", "%")).ok()
    }

    /// The key beside the pages with this name.
    pub(super) fn beside(&self, name: &str) -> String {
        format!("{}{name}", self.before.trim_end_matches('{'))
    }
}

fn encode(channel: &str) -> Cow<'_, str> {
    if channel.contains(['%', '{', '}']) {
        channel.replace('%', "%25").replace('{', "%7B").replace('}', "%7D").into()
    } else {
        channel.into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_page_has_one_hash_tag_and_its_own_name_in_it() {
        let names = Names::new("live");
        let page = |channel: &str| names.page(&ChannelId::new(channel).unwrap());
        assert_eq!(page("blog"), "live:{blog}");
        assert_eq!(page("a}{b%7D"), "live:{a%7D%7Bb%257D}");
        assert_eq!(names.beside("epoch"), "live:epoch");
        for other in [&b"live:{blog"[..], b"news:{blog}", b"live:{}", b"live:{\xff}", b"live:{a/b}"] {
            assert_eq!(names.channel_of(other), None);
        }
    }

    proptest! {
        #[test]
        fn no_two_channels_share_a_name(channel in "[%{}7BDab25 ü]{1,12}") {
            let names = Names::new("live");
            let id = ChannelId::new(&channel).unwrap();
            prop_assert_eq!(names.channel_of(names.page(&id).as_bytes()), Some(id));
        }
    }
}
