//! Packing a frame beside the threads that answer.

use std::sync::Arc;

use bytes::Bytes;

use super::Hub;
use crate::frame::Frame;

impl Hub {
    /// The frame's JSON after gzip. The first who asks waits until it is made; others get `None` meanwhile and send it as it is, so that a
    /// crowd neither waits nor packs the same again.
    pub(crate) async fn packed(&self, frame: Arc<Frame>) -> Option<Bytes> {
        if frame.begins_to_pack() {
            let packing = Arc::clone(&frame);
            // On a thread for such work: a whole page takes longer than a request may hold up others.
            let packed = self.inner.runtime.spawn_blocking(move || packing.pack());
            // An error is a runtime that ends.
            let _ = packed.await;
        }
        frame.gzip()
    }
}
