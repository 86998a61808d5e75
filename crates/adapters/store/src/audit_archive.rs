use std::collections::HashMap;

use async_trait::async_trait;
use sea_orm::sea_query::{Expr, ExprTrait, SelectStatement};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Statement,
};
use tenantry_application::ports::{AuditArchive, ChainedEntry};
use tenantry_application::{AuditLink, Chain, ChainEnd, ChainHead, SealedHead};
use tenantry_identity::{AuditEntry, AuditEntryId};
use tenantry_kernel::StorageError;
use uuid::Uuid;

use crate::StoreTransaction;
use crate::audit::entry_from;
use crate::error::storage;
use crate::row::{RowReader, corrupt};
use crate::scope::{audit_heads, audit_links, audit_log, audit_queue};

use {
    audit_heads::Column as Head, audit_links::Column as Link, audit_log::Column as Entry, audit_queue::Column as Queue,
};

/// Removes entries and links together, with rights that only the function has.
const POSTGRES_EXPIRE: &str = "SELECT tenantry_audit_expire($1)";

fn stored(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

fn end_from(chain: Uuid, position: i64, hash: Vec<u8>) -> Result<ChainEnd, StorageError> {
    let broken = |column| corrupt("audit_heads or audit_links", chain, column);
    Ok(ChainEnd {
        position: u64::try_from(position).or(Err(broken("position")))?,
        hash: hash.try_into().or(Err(corrupt("audit_heads or audit_links", chain, "hash")))?,
    })
}

fn head_from(row: audit_heads::Model) -> Result<SealedHead, StorageError> {
    let id = row.chain_id;
    let head = ChainHead {
        chain: Chain::from_uuid(id),
        end: end_from(id, row.position, row.hash)?,
        expired: end_from(id, row.expired_position, row.expired_hash)?,
    };
    Ok(SealedHead { head, seal: row.seal.try_into().or(Err(corrupt("audit_heads", id, "seal")))? })
}

fn head_row(sealed: &SealedHead) -> audit_heads::ActiveModel {
    let SealedHead { head, seal } = sealed;
    audit_heads::ActiveModel {
        chain_id: Set(head.chain.as_uuid()),
        position: Set(stored(head.end.position)),
        hash: Set(head.end.hash.to_vec()),
        expired_position: Set(stored(head.expired.position)),
        expired_hash: Set(head.expired.hash.to_vec()),
        seal: Set(seal.to_vec()),
    }
}

#[async_trait]
impl AuditArchive for StoreTransaction {
    async fn waiting_chains(&mut self, limit: u16) -> Result<Vec<Chain>, StorageError> {
        let select = self.scope().select::<Queue>().select_only().column(Queue::ChainId).distinct();
        let rows = self.rows(&select.limit(u64::from(limit)).into_query()).await?;
        rows.iter().map(|row| RowReader::new(row).take().map(Chain::from_uuid)).collect()
    }

    async fn waiting(&mut self, chain: Chain, limit: u16) -> Result<Vec<AuditEntry>, StorageError> {
        let select = self
            .scope()
            .select::<Queue>()
            .select_only()
            .column(Queue::EntryId)
            .filter(Queue::ChainId.eq(chain.as_uuid()))
            .order_by_asc(Queue::EntryId)
            .limit(u64::from(limit));
        let rows = self.rows(&select.into_query()).await?;
        let ids = rows.iter().map(|row| RowReader::new(row).take()).collect::<Result<Vec<Uuid>, _>>()?;
        let mut entries: Vec<_> = self.entries(ids).await?.into_values().collect();
        entries.sort_unstable_by_key(|entry| entry.id.as_uuid());
        Ok(entries)
    }

    async fn append(&mut self, chain: Chain, links: &[AuditLink]) -> Result<(), StorageError> {
        if links.is_empty() {
            return Ok(());
        }
        let row = |link: &AuditLink| audit_links::ActiveModel {
            chain_id: Set(chain.as_uuid()),
            position: Set(stored(link.end.position)),
            entry_id: Set(link.entry_id.as_uuid()),
            hash: Set(link.end.hash.to_vec()),
        };
        let insert = self.scope().insert_many(links.iter().map(row).collect())?;
        insert.exec_without_returning(self).await.map_err(storage)?;
        let ids = links.iter().map(|link| link.entry_id.as_uuid());
        let delete = self.scope().delete_many::<Queue>().filter(Queue::EntryId.is_in(ids));
        delete.exec(self).await.map(|_| ()).map_err(storage)
    }

    async fn head(&mut self, chain: Chain) -> Result<Option<SealedHead>, StorageError> {
        let select = self.scope().select::<Head>().filter(Head::ChainId.eq(chain.as_uuid()));
        let row = self.lock(select).one(self).await.map_err(storage)?;
        row.map(head_from).transpose()
    }

    async fn heads(&mut self, after: Option<Chain>, limit: u16) -> Result<Vec<SealedHead>, StorageError> {
        let select = self
            .scope()
            .select::<Head>()
            .apply_if(after, |select, after| select.filter(Head::ChainId.gt(after.as_uuid())))
            .order_by_asc(Head::ChainId)
            .limit(u64::from(limit));
        let rows = select.all(self).await.map_err(storage)?;
        rows.into_iter().map(head_from).collect()
    }

    async fn insert_head(&mut self, head: &SealedHead) -> Result<bool, StorageError> {
        let insert = self.scope().insert(head_row(head))?;
        self.insert_new(insert.on_conflict_do_nothing_on([Head::ChainId])).await
    }

    async fn update_head(&mut self, head: &SealedHead) -> Result<(), StorageError> {
        let update = self.scope().update_many::<Head>().set(head_row(head));
        let update = update.filter(Head::ChainId.eq(head.head.chain.as_uuid()));
        update.exec(self).await.map(|_| ()).map_err(storage)
    }

    async fn links(&mut self, chain: Chain, after: u64, limit: u16) -> Result<Vec<ChainedEntry>, StorageError> {
        let select = self
            .scope()
            .select::<Link>()
            .filter(Link::ChainId.eq(chain.as_uuid()))
            .filter(Link::Position.gt(stored(after)))
            .order_by_asc(Link::Position)
            .limit(u64::from(limit));
        let rows = select.all(self).await.map_err(storage)?;
        let mut entries = self.entries(rows.iter().map(|row| row.entry_id).collect()).await?;
        let chained = |row: audit_links::Model| {
            let end = end_from(row.chain_id, row.position, row.hash)?;
            let link = AuditLink { entry_id: AuditEntryId::from_uuid(row.entry_id), end };
            Ok(ChainedEntry { link, entry: entries.remove(&row.entry_id) })
        };
        rows.into_iter().map(chained).collect()
    }

    async fn remove_expired(&mut self, chain: Chain) -> Result<(), StorageError> {
        if self.get_database_backend() == DbBackend::Postgres {
            let chain = [chain.as_uuid().into()];
            let call = Statement::from_sql_and_values(DbBackend::Postgres, POSTGRES_EXPIRE, chain);
            return self.execute_raw(call).await.map(|_| ()).map_err(storage);
        }
        let expired = || Expr::col(Link::Position.as_column_ref()).lte(self.expired_position(chain));
        let in_chain = || Expr::col(Link::ChainId.as_column_ref()).eq(chain.as_uuid());
        let links = self.scope().select::<Link>().select_only().column(Link::EntryId);
        let ids = links.filter(in_chain()).filter(expired()).into_query();
        let entries = self.scope().delete_many::<Entry>().filter(Entry::Id.in_subquery(ids));
        entries.exec(self).await.map_err(storage)?;
        let links = self.scope().delete_many::<Link>().filter(in_chain()).filter(expired());
        links.exec(self).await.map(|_| ()).map_err(storage)
    }

    async fn count_chains(&mut self) -> Result<u64, StorageError> {
        let heads = self.scope().select::<Head>().select_only().expr(Head::ChainId.count());
        self.count(&heads.filter(Head::ChainId.ne(Chain::Census.as_uuid())).into_query()).await
    }

    async fn count_loose(&mut self, chain: Chain) -> Result<u64, StorageError> {
        let of_log = match chain {
            Chain::Accounts => Entry::OrganizationId.is_null(),
            Chain::Organization(id) => Entry::OrganizationId.eq(id.as_uuid()),
            Chain::Census => return Ok(0),
        };
        let links = self.scope().select::<Link>().into_query();
        let queue = self.scope().select::<Queue>().into_query();
        let loose = self
            .scope()
            .select::<Entry>()
            .select_only()
            .expr(Entry::Id.count())
            .filter(of_log)
            .filter(is_missing(links, Link::EntryId, Entry::Id))
            .filter(is_missing(queue, Queue::EntryId, Entry::Id));
        self.count(&loose.into_query()).await
    }

    async fn count_lost(&mut self) -> Result<u64, StorageError> {
        let entries = self.scope().select::<Entry>().into_query();
        let waiting = self.scope().select::<Queue>().select_only().expr(Queue::EntryId.count());
        self.count(&waiting.filter(is_missing(entries, Entry::Id, Queue::EntryId)).into_query()).await
    }
}

/// That `rows` has none whose `column` is `other`.
fn is_missing(mut rows: SelectStatement, column: impl ColumnTrait, other: impl ColumnTrait) -> Expr {
    rows.clear_selects();
    rows.expr(Expr::val(1)).and_where(Expr::col(column.as_column_ref()).eq(Expr::col(other.as_column_ref())));
    Expr::exists(rows).not()
}

impl StoreTransaction {
    async fn entries(&self, ids: Vec<Uuid>) -> Result<HashMap<Uuid, AuditEntry>, StorageError> {
        let select = self.scope().select::<Entry>().filter(Entry::Id.is_in(ids)).into_query();
        let rows = self.rows(&select).await?;
        let read = |row| audit_log::Model::from_query_result(row, "").map_err(storage).and_then(entry_from);
        rows.iter().map(|row| read(row).map(|entry| (entry.id.as_uuid(), entry))).collect()
    }

    /// The position that the chain's head calls expired.
    fn expired_position(&self, chain: Chain) -> SelectStatement {
        let heads = self.scope().select::<Head>().select_only().column(Head::ExpiredPosition);
        heads.filter(Head::ChainId.eq(chain.as_uuid())).into_query()
    }
}
