//! Conventions being drawn up, what they were at each revision, and the remarks on them.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, query, query_as, query_scalar};

use super::{Store, Tx};
use crate::{
    error::Result,
    ids::{AccountId, CommentId, ConventionId, DraftId, Siren},
};

/// A convention being drawn up.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Draft {
    /// Which.
    pub id: DraftId,
    /// The document's `id` as far as it has one.
    pub name: String,
    /// The document's title as far as it has one.
    pub title: String,
    /// Its JSON; it need not be a valid convention.
    pub document: String,
    /// Rises by one with every writing.
    pub revision: i64,
    /// `draft`, `in_review`, `opened` or `discarded`.
    pub state: String,
    /// The version that it would amend.
    pub based_on: Option<ConventionId>,
    /// The version that it became.
    pub opened_as: Option<ConventionId>,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// Who began it.
    pub created_by: AccountId,
    /// Last writing.
    pub updated_at: DateTime<Utc>,
    /// Who wrote.
    pub updated_by: AccountId,
}

/// What a draft was at one revision.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct DraftRevision {
    /// Which.
    pub revision: i64,
    /// Its JSON.
    pub document: String,
    /// When it was written.
    pub written_at: DateTime<Utc>,
    /// Who wrote.
    pub written_by: AccountId,
}

/// A remark on a draft.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Comment {
    /// Which.
    pub id: CommentId,
    /// On what.
    pub draft_id: DraftId,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub author: AccountId,
    /// On whose behalf; none for the Métropole.
    pub organisation: Option<Siren>,
    /// JSON Pointer of the place, if it is about one.
    pub pointer: Option<String>,
    /// `comment` or `change_request`.
    pub kind: String,
    /// What they say.
    pub text: String,
    /// Since when it is settled.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Who settled it.
    pub resolved_by: Option<AccountId>,
}

/// Revisions kept beside the newest one.
const KEPT: i64 = 100;

impl Store {
    /// One draft.
    pub async fn draft(&self, id: DraftId) -> Result<Option<Draft>> {
        const SQL: &str = "SELECT * FROM drafts WHERE id = $1";
        Ok(on_db!(self, |db| query_as(SQL).bind(id).fetch_optional(db).await)?)
    }

    /// The drafts that are being worked on, last written first.
    pub async fn drafts(&self) -> Result<Vec<Draft>> {
        const SQL: &str = "SELECT * FROM drafts WHERE state IN ('draft', 'in_review') ORDER BY updated_at DESC, id DESC";
        Ok(on_db!(self, |db| query_as(SQL).fetch_all(db).await)?)
    }

    /// A draft as it was at a revision, if that is still kept.
    pub async fn draft_revision(&self, id: DraftId, revision: i64) -> Result<Option<DraftRevision>> {
        const SQL: &str = "SELECT revision, document, written_at, written_by FROM draft_revisions WHERE draft_id = $1 AND revision = $2";
        Ok(on_db!(self, |db| query_as(SQL).bind(id).bind(revision).fetch_optional(db).await)?)
    }

    /// The remarks on a draft, oldest first.
    pub async fn draft_comments(&self, id: DraftId) -> Result<Vec<Comment>> {
        const SQL: &str = "SELECT * FROM draft_comments WHERE draft_id = $1 ORDER BY at, id";
        Ok(on_db!(self, |db| query_as(SQL).bind(id).fetch_all(db).await)?)
    }
}

impl Tx {
    /// Adds a draft and its first revision.
    pub async fn insert_draft(&mut self, draft: &Draft) -> Result<()> {
        const SQL: &str = "INSERT INTO drafts
            (id, name, title, document, revision, state, based_on, created_at, created_by, updated_at, updated_by)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        let d = draft.clone();
        on_tx!(self, |db| {
            query(SQL)
                .bind(d.id)
                .bind(d.name)
                .bind(d.title)
                .bind(d.document)
                .bind(d.revision)
                .bind(d.state)
                .bind(d.based_on)
                .bind(d.created_at)
                .bind(d.created_by)
                .bind(d.updated_at)
                .bind(d.updated_by)
                .execute(db)
                .await
                .map(drop)
        })?;
        self.keep_revision(draft).await
    }

    /// Writes a draft over its revision `draft.revision - 1`; false if that is no longer the newest, or the draft is closed.
    pub async fn save_draft(&mut self, draft: &Draft) -> Result<bool> {
        const SQL: &str = "UPDATE drafts SET name = $2, title = $3, document = $4, revision = $5, updated_at = $6, updated_by = $7
            WHERE id = $1 AND revision = $5 - 1 AND state IN ('draft', 'in_review')";
        let d = draft.clone();
        let saved = on_tx!(self, |db| {
            query(SQL)
                .bind(d.id)
                .bind(d.name)
                .bind(d.title)
                .bind(d.document)
                .bind(d.revision)
                .bind(d.updated_at)
                .bind(d.updated_by)
                .execute(db)
                .await
                .map(|done| done.rows_affected() == 1)
        })?;
        if saved {
            self.keep_revision(draft).await?;
        }
        Ok(saved)
    }

    async fn keep_revision(&mut self, draft: &Draft) -> Result<()> {
        const ADD: &str = "INSERT INTO draft_revisions (draft_id, revision, document, written_at, written_by) VALUES ($1, $2, $3, $4, $5)";
        const FORGET: &str = "DELETE FROM draft_revisions WHERE draft_id = $1 AND revision < $2";
        let (id, d) = (draft.id, draft.clone());
        on_tx!(self, |db| {
            query(ADD).bind(d.id).bind(d.revision).bind(d.document).bind(d.updated_at).bind(d.updated_by).execute(db).await.map(drop)
        })?;
        let oldest = draft.revision - KEPT;
        on_tx!(self, |db| query(FORGET).bind(id).bind(oldest).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Moves a draft from one state to another; false if it is not in the first, or was written since `revision`.
    pub async fn move_draft(
        &mut self,
        id: DraftId,
        (from, to): (&str, &str),
        revision: i64,
        opened_as: Option<ConventionId>,
    ) -> Result<bool> {
        const SQL: &str = "UPDATE drafts SET state = $3, opened_as = $5 WHERE id = $1 AND state = $2 AND revision = $4";
        let (from, to) = (from.to_owned(), to.to_owned());
        Ok(on_tx!(self, |db| {
            query(SQL).bind(id).bind(from).bind(to).bind(revision).bind(opened_as).execute(db).await.map(|done| done.rows_affected() == 1)
        })?)
    }

    /// The open draft that amends the convention called `name`, if there is one.
    pub async fn amendment_of(&mut self, name: &str) -> Result<Option<DraftId>> {
        const SQL: &str = "SELECT d.id FROM drafts d JOIN conventions c ON c.id = d.based_on
            WHERE c.name = $1 AND d.state IN ('draft', 'in_review') ORDER BY d.created_at LIMIT 1";
        let name = name.to_owned();
        Ok(on_tx!(self, |db| query_scalar(SQL).bind(name).fetch_optional(db).await)?)
    }

    /// Adds a remark.
    pub async fn insert_draft_comment(&mut self, comment: &Comment) -> Result<()> {
        const SQL: &str = "INSERT INTO draft_comments (id, draft_id, at, author, organisation, pointer, kind, text)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let c = comment.clone();
        on_tx!(self, |db| {
            query(SQL)
                .bind(c.id)
                .bind(c.draft_id)
                .bind(c.at)
                .bind(c.author)
                .bind(c.organisation)
                .bind(c.pointer)
                .bind(c.kind)
                .bind(c.text)
                .execute(db)
                .await
                .map(drop)
        })?;
        Ok(())
    }

    /// Settles a remark of a draft; false if it is not there or is settled.
    pub async fn resolve_draft_comment(&mut self, draft: DraftId, id: CommentId, at: DateTime<Utc>, by: AccountId) -> Result<bool> {
        const SQL: &str =
            "UPDATE draft_comments SET resolved_at = $3, resolved_by = $4 WHERE id = $2 AND draft_id = $1 AND resolved_at IS NULL";
        Ok(on_tx!(self, |db| {
            query(SQL).bind(draft).bind(id).bind(at).bind(by).execute(db).await.map(|done| done.rows_affected() == 1)
        })?)
    }
}
