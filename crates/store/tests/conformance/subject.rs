//! The stores, and how each is made.

use std::sync::Arc;

use tempfile::TempDir;
use tidegate_core::RootKey;
use tidegate_core::store::{Store, StoreKeys};
use tidegate_store::{MemoryStore, SqliteStore};

use crate::cases::Subject;

pub(crate) struct Memory;

impl Subject for Memory {
    const LASTS: bool = false;

    async fn new() -> Self {
        Self
    }

    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(MemoryStore::new())
    }
}

pub(crate) struct Sqlite(TempDir);

impl Subject for Sqlite {
    const LASTS: bool = true;

    async fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn open(&self) -> Arc<dyn Store> {
        let keys = StoreKeys::new(&RootKey::from_bytes([1; 32]));
        Arc::new(SqliteStore::open(&self.0.path().join("state.db"), keys).unwrap())
    }
}
