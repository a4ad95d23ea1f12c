//! One WebSocket reader's protocol, sans I/O: bytes and the time go in, bytes come out.
//!
//! tungstenite does the protocol of what comes in (masking, fragments, UTF-8, pings, close, limits), and is made anew for whole messages.
//! Frames to the reader are encoded already and go past it, so that an idle session holds no buffer.

#[cfg(feature = "echo")]
mod echo;
#[cfg(test)]
mod tests;
mod whole;

use std::{
    io::{self, Read, Write},
    time::Duration,
};

use bytes::Bytes;
use tungstenite::{
    Error, Message,
    error::CapacityError,
    protocol::{Role, WebSocketConfig, WebSocketContext},
};

use self::whole::is_whole;
use crate::{close::Close, config::Config};

/// The state of one connection. Times are milliseconds on any clock that does not go back.
#[derive(Debug)]
pub struct Session {
    /// Of a reader that has sent half a message. Browsers answer pings by whole ones, which leave nothing to be remembered.
    context: Option<Box<WebSocketContext>>,
    /// Pongs and the close frame, to go out between two frames.
    control: Vec<u8>,
    phase: Phase,
    heard_at: u64,
    sent_at: u64,
    pinged_at: u64,
    /// When somebody was to look what the time has come for.
    due_at: u64,
    /// Since when the socket has taken nothing, while something is to be written.
    blocked_since: Option<u64>,
    limits: Limits,
    #[cfg(feature = "echo")]
    echoes: bool,
}

/// What a session waits for in milliseconds, and takes in bytes.
#[derive(Debug, Clone, Copy)]
struct Limits {
    heartbeat: u32,
    silence: u32,
    write: u32,
    /// Of a message, and of a frame.
    incoming: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Our close frame is out; the reader's answer is awaited until then.
    Closing {
        until: u64,
    },
    /// Both have closed: what is in `control` goes out, and then nothing.
    Closed,
    /// The reader broke the protocol. As closed, but nothing says that it has read why.
    Failed,
    /// As failed: the reader sends more than it may, and the rest is on its way.
    Overrun,
}

/// What the time has come for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing before this moment.
    At(u64),
    /// A heartbeat and a ping.
    Heartbeat,
    /// The end of the connection.
    Close(Close),
}

/// How long the reader may take to answer our close frame, and then to close the stream.
pub(crate) const CLOSE_WAIT: Duration = Duration::from_secs(2);

impl Session {
    /// A session that has just begun.
    pub fn new(config: &Config, now: u64) -> Self {
        let millis = |duration: Duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
        Self {
            context: None,
            control: Vec::new(),
            phase: Phase::Open,
            heard_at: now,
            sent_at: now,
            pinged_at: now,
            due_at: now + u64::from(millis(config.heartbeat)),
            blocked_since: None,
            limits: Limits {
                heartbeat: millis(config.heartbeat),
                silence: millis(config.silence_deadline),
                write: millis(config.write_deadline),
                incoming: u32::try_from(config.max_incoming_bytes).unwrap_or(u32::MAX),
            },
            #[cfg(feature = "echo")]
            echoes: config.echo,
        }
    }

    /// Takes what the reader sent, in pieces of any size. Text and binary are ignored: readers have nothing to say.
    pub fn handle_bytes(&mut self, bytes: &[u8], now: u64) {
        self.heard_at = now;
        if self.is_closed() {
            return self.handle_late_bytes(bytes);
        }
        match self.context.take() {
            Some(mut context) => {
                self.read(&mut context, bytes);
                self.context = Some(context);
            }
            None if is_whole(bytes) => self.read(&mut self.protocol(), bytes),
            None => {
                let mut context = Box::new(self.protocol());
                self.read(&mut context, bytes);
                self.context = Some(context);
            }
        }
    }

    /// Where no message is under way.
    fn protocol(&self) -> WebSocketContext {
        let max_bytes = Some(self.limits.incoming as usize);
        let config = WebSocketConfig::default()
            // Zero: the context reads from memory, so a buffer would only be held.
            .read_buffer_size(0)
            .write_buffer_size(0)
            .max_write_buffer_size(64 << 10)
            .max_message_size(max_bytes)
            // The codec reserves what a frame's header announces, so this is the memory guard.
            .max_frame_size(max_bytes);
        WebSocketContext::new(Role::Server, Some(config))
    }

    fn read(&mut self, context: &mut WebSocketContext, bytes: &[u8]) {
        let mut stream = Memory { input: bytes, output: &mut self.control };
        loop {
            match context.read(&mut stream) {
                Ok(Message::Close(_)) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => {
                    return self.handle_close(context);
                }
                // RFC 6455 §5.5.1: after sending Close, send no more data.
                #[cfg(feature = "echo")]
                Ok(message) if self.echoes && self.phase == Phase::Open => echo::push(&message, stream.output),
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => return self.fail(&error),
            }
        }
    }

    /// The reader closed. The context answers with the reader's own code (RFC 6455 §5.5.1).
    fn handle_close(&mut self, context: &mut WebSocketContext) {
        let answered = matches!(self.phase, Phase::Closing { .. });
        let mut stream = Memory { input: &[], output: &mut self.control };
        let _ = context.flush(&mut stream);
        if answered {
            // RFC 6455 §5.5: after sending Close, send no more data.
            self.control.clear();
        }
        self.phase = Phase::Closed;
    }

    /// RFC 6455 §7.1.7: fail the connection, with the code that says why.
    fn fail(&mut self, error: &Error) {
        let code = match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => 1009,
            Error::Utf8(_) => 1007,
            _ => 1002,
        };
        if self.phase == Phase::Open {
            self.push_close(code, &error.to_string());
        }
        self.phase = if code == 1009 { Phase::Overrun } else { Phase::Failed };
    }

    /// What is not read any more. Behind its own close frame a reader sends nothing (RFC 6455 §5.5.1), so then it is over.
    fn handle_late_bytes(&mut self, bytes: &[u8]) {
        if self.has_failed() && ends_with_close(bytes) {
            self.phase = Phase::Closed;
        }
    }

    /// Begins to close; nothing but the close frame is sent from now on.
    pub fn close(&mut self, close: Close, now: u64) {
        if self.phase == Phase::Open {
            self.push_close(close.code(), &close.reason());
            self.phase = Phase::Closing { until: now + CLOSE_WAIT.as_millis() as u64 };
        }
    }

    /// Sends this before the next frame: a message as it goes over the wire.
    pub(crate) fn say(&mut self, message: &[u8]) {
        if self.phase == Phase::Open {
            self.control.extend_from_slice(message);
        }
    }

    fn push_close(&mut self, code: u16, reason: &str) {
        // RFC 6455 §5.5: a control frame's payload is at most 125 bytes, of which the code takes two.
        let end = (0..=123.min(reason.len())).rev().find(|end| reason.is_char_boundary(*end)).unwrap_or(0);
        let reason = reason.get(..end).unwrap_or_default();
        let length = u8::try_from(reason.len() + 2).unwrap_or(2);
        self.control.extend_from_slice(&[0x88, length]);
        self.control.extend_from_slice(&code.to_be_bytes());
        self.control.extend_from_slice(reason.as_bytes());
    }

    /// Control frames that have to go out before the next frame.
    #[must_use]
    pub fn poll_control(&mut self) -> Option<Bytes> {
        // `take` gives the buffer away: an idle session holds none.
        (!self.control.is_empty()).then(|| std::mem::take(&mut self.control).into())
    }

    /// Whether the reader may be listened to. Not while it leaves the answers to its pings unread: they would pile up here.
    pub fn wants_bytes(&self) -> bool {
        self.control.len() < MAX_CONTROL_BYTES
    }

    /// Whether frames may be sent.
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Whether nothing is left to do but to end the stream, once [`Session::poll_control`] is empty.
    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed | Phase::Failed | Phase::Overrun)
    }

    /// Whether the reader broke the protocol and has not closed since.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.phase, Phase::Failed | Phase::Overrun)
    }

    /// Whether it did so by a message that is too big, the rest of which is still to come.
    pub(crate) fn is_overrun(&self) -> bool {
        self.phase == Phase::Overrun
    }

    /// The socket took something.
    pub fn handle_written(&mut self, now: u64) {
        self.sent_at = now;
        // A full socket has room again because the reader took something: a slow reader cannot answer the ping behind a long frame.
        if self.blocked_since.take().is_some() {
            self.heard_at = now;
        }
    }

    /// Nothing that the stream took is left in it.
    pub(crate) fn handle_flushed(&mut self, now: u64) {
        if self.blocked_since.is_some() {
            self.handle_written(now);
        }
    }

    /// What was handed out at `since` has been on its way until now, and whoever sends it asked for nothing meanwhile: a silence in
    /// which the reader had no say.
    pub(crate) fn handle_held(&mut self, since: u64, now: u64) {
        self.sent_at = now;
        self.heard_at = now.min(self.heard_at + now.saturating_sub(since));
        self.due_at = self.due_at.max(now);
    }

    /// The socket took nothing. What waits in it holds back everything else, so only the deadline is left.
    pub fn handle_blocked(&mut self, now: u64) -> Due {
        let since = *self.blocked_since.get_or_insert(now);
        let deadline = since + u64::from(self.limits.write);
        if now >= deadline { Due::Close(Close::TooSlow) } else { Due::At(deadline) }
    }

    /// What the time has come for while there is nothing to write.
    pub fn poll_due(&mut self, now: u64) -> Due {
        if let Phase::Closing { until } = self.phase {
            return if now >= until { Due::Close(Close::Silent) } else { Due::At(until) };
        }
        // The time in which nobody looks, as the server is stopped or has too much to do, is no silence either: what the reader has said
        // may lie unread, and the ping may be late.
        self.heard_at = now.min(self.heard_at + now.saturating_sub(self.due_at));
        let silence = self.heard_at + u64::from(self.limits.silence);
        // A reader of a busy page has nothing to say by itself, so it is asked all the same.
        let quiet_since = self.sent_at.min(self.heard_at.max(self.pinged_at));
        let heartbeat = quiet_since + u64::from(self.limits.heartbeat);
        if now >= silence {
            return Due::Close(Close::Silent);
        }
        if now >= heartbeat {
            self.pinged_at = now;
            self.due_at = silence.min(now + u64::from(self.limits.heartbeat));
            return Due::Heartbeat;
        }
        self.due_at = silence.min(heartbeat);
        Due::At(self.due_at)
    }

    /// Whether there is nothing to send but a frame that is new.
    #[cfg(feature = "socket")]
    pub(crate) fn is_quiet(&self) -> bool {
        self.phase == Phase::Open && self.control.is_empty()
    }
}

/// Pongs that wait to be sent, beside those to one more read.
const MAX_CONTROL_BYTES: usize = 16 << 10;

/// Whether a reader's close frame is the last of these bytes (RFC 6455 §5.5: masked, with at most 125 bytes).
fn ends_with_close(bytes: &[u8]) -> bool {
    (0..=125u8).any(|length| {
        let start = bytes.len().checked_sub(6 + usize::from(length));
        start.is_some_and(|start| bytes[start..].starts_with(&[0x88, 0x80 | length]))
    })
}

/// Lets the context read from and write to memory; it sees an empty socket where the bytes end.
struct Memory<'a> {
    input: &'a [u8],
    output: &'a mut Vec<u8>,
}

impl Read for Memory<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.input.read(buffer)
    }
}

impl Write for Memory<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
