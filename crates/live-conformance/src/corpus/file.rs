//! A file of the corpus: what is sent, and what has to come of it.

use serde::Deserialize;

use super::{
    settings::Settings,
    tables::{Answer, Channel, Cursor, Frames, Held, PageAfter, Post, Publish, Request, Route},
};

/// One case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// What is wrong with the input, or why it is not.
    why: String,
    /// Where that is written.
    #[serde(rename = "ref")]
    reference: String,
    pub(super) route: Route,
    #[serde(default)]
    pub(super) config: Settings,
    /// Readers on connections of their own, who stay until the case is over.
    #[serde(default)]
    pub(super) held: Vec<Held>,
    request: Option<Request>,
    publish: Option<Publish>,
    answer: Option<Answer>,
    frames: Option<Frames>,
    #[serde(default)]
    pub(super) page: PageAfter,
    channel: Option<Channel>,
    cursor: Option<Cursor>,
    post: Option<Post>,
}

/// What is sent, and what has to come of it.
#[derive(Debug)]
pub(super) enum Action {
    Request(Request, Answer, Option<Frames>),
    Publish(Publish, Answer),
    Frames(Frames),
    Channel(Channel),
    Cursor(Cursor),
    Post(Post),
}

impl File {
    /// The file and its action, of which there is one.
    pub(super) fn parse(text: &str) -> Result<(Self, Action), String> {
        let mut file: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if file.why.trim().is_empty() || file.reference.trim().is_empty() {
            return Err("why and ref are not to be empty".to_owned());
        }
        let action = file.take_action().ok_or("the tables of the file do not make one action (corpus/README.md)")?;
        Ok((file, action))
    }

    fn take_action(&mut self) -> Option<Action> {
        let parts = (
            self.request.take(),
            self.publish.take(),
            self.answer.take(),
            self.frames.take(),
            self.channel.take(),
            self.cursor.take(),
            self.post.take(),
        );
        match parts {
            (Some(request), None, Some(answer), frames, None, None, None) => {
                Some(Action::Request(request, answer, frames))
            }
            (None, Some(publish), Some(answer), None, None, None, None) => Some(Action::Publish(publish, answer)),
            (None, None, None, Some(frames), None, None, None) => Some(Action::Frames(frames)),
            (None, None, None, None, Some(channel), None, None) => Some(Action::Channel(channel)),
            (None, None, None, None, None, Some(cursor), None) => Some(Action::Cursor(cursor)),
            (None, None, None, None, None, None, Some(post)) => Some(Action::Post(post)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "why = \"w\"\nref = \"r\"\nroute = \"any\"\n";

    fn error(rest: &str) -> String {
        File::parse(&format!("{HEAD}{rest}")).map(|(_, action)| action).expect_err(rest)
    }

    #[test]
    fn a_key_that_is_not_known_is_an_error() {
        for rest in [
            "whi = \"w\"\n[post]\nhtml = \"x\"",
            "[post]\nhtml = \"x\"\ncontent = \"x\"",
            "[request]\nlines = \"x\"\n[answer]\nstatus = 200",
            "[request]\nline = \"x\"\n[answer]\nstate = 200",
            "[request]\nline = \"x\"\n[answer]\nstatus = 200\nheader = {}",
            "[publish]\nbody = \"x\"\nheader = []\n[answer]\nstatus = 200",
            "[publish]\nbody = \"x\"\n[answer]\nstatus = 200\n[page]\nchange = {}",
            "[frames]\nsend = \"x\"\nclosed = 1002",
            "[channel]\nsegment = \"x\"\nname = \"x\"",
            "[cursor]\nvalue = \"x\"\ngets = \"reset\"\nget = \"reset\"",
            "[config]\nmax_header = 5\n[post]\nhtml = \"x\"",
        ] {
            assert!(error(rest).contains("unknown field"), "{}", error(rest));
        }
        assert!(error("[frames]\nsend = { hexx = \"00\" }").contains("unknown field"));
    }

    #[test]
    fn a_value_that_is_not_known_is_an_error() {
        for rest in [
            "[cursor]\nvalue = \"x\"\ngets = \"resets\"",
            "[request]\nline = \"x\"\n[answer]\nstatus = \"close\"",
            "[request]\nline = \"x\"\n[answer]\nstatus = []\nconnection = \"end\"",
            "[frames]\nhow = \"at once\"",
            "[frames]\nclose = 70000",
        ] {
            error(rest);
        }
        assert!(File::parse("why = \"w\"\nref = \"r\"\nroute = \"web\"\n[post]\nhtml = \"x\"").is_err());
        assert!(File::parse("why = \"\"\nref = \"r\"\nroute = \"any\"\n[post]\nhtml = \"x\"").is_err());
        assert!(File::parse("ref = \"r\"\nroute = \"any\"\n[post]\nhtml = \"x\"").is_err());
    }

    #[test]
    fn the_tables_of_a_file_make_one_action() {
        for rest in [
            "",
            "[request]\nline = \"x\"",
            "[answer]\nstatus = 200",
            "[post]\nhtml = \"x\"\n[frames]\nsend = \"x\"",
            "[channel]\nsegment = \"x\"\n[answer]\nstatus = 200",
            "[publish]\nbody = \"x\"\n[frames]\nsend = \"x\"\n[answer]\nstatus = 200",
        ] {
            assert!(error(rest).contains("one action"), "{rest}");
        }
        let request = "[request]\nline = \"x\"\n[answer]\nstatus = [101, \"closed\"]\n[frames]\nclose = 1002";
        assert!(matches!(File::parse(&format!("{HEAD}{request}")), Ok((_, Action::Request(_, _, Some(_))))));
    }
}
