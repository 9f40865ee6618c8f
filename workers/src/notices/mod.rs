//! Notices that are old.

mod purge_notices;
