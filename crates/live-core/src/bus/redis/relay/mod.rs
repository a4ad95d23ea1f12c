//! What the buses that relay share: the channels that are followed, the page of each, and the idempotency keys of this node.

pub(super) mod keys;
pub(super) mod topic;
pub(super) mod topics;
