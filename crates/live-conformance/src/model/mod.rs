//! A reader as `docs/protocol.md` describes it, and the page that it should show.

mod frame;
mod reader;
mod shown;
mod wagtail;

pub(crate) use self::{
    frame::{Cursor, Frame},
    reader::{Applied, Reader},
    shown::{Post, Shown},
    wagtail::{Updates, WagtailReader},
};
