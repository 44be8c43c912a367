//! The one public error: a kind (which decides the HTTP status and the exit code), a stable code, a French sentence that
//! says what to do, and the place of the fault.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What went wrong, as far as a caller needs to decide what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The input is wrong; the person can mend it. HTTP 422, exit code 2.
    Invalid,
    /// There is no such thing, or the caller may not know of it. HTTP 404.
    NotFound,
    /// Nobody is signed in, or the token is unknown. HTTP 401.
    Unauthenticated,
    /// The caller may not do this. HTTP 403.
    Forbidden,
    /// The state of things forbids it now. HTTP 409.
    Conflict,
    /// Over a stated limit. HTTP 413.
    TooLarge,
    /// Too many attempts. HTTP 429.
    TooMany,
    /// A dependency does not answer. HTTP 503.
    Unavailable,
    /// A defect or a broken environment. HTTP 500.
    Internal,
}

/// One located fault of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// JSON Pointer (RFC 6901) to the place in the document; empty for the whole.
    pub pointer: String,
    /// Stable English code.
    pub code: String,
    /// French sentence that says what to do.
    pub message: String,
}

impl Fault {
    /// A fault at `pointer`.
    pub fn new(pointer: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.into(), message: message.into() }
    }
}

/// The error of every public function of the library.
#[derive(Debug)]
pub struct Error {
    /// Decides the HTTP status.
    pub kind: Kind,
    /// Stable English code, for programs.
    pub code: &'static str,
    /// French sentence, for people.
    pub message: String,
    /// The located faults of a document, if that is what is wrong.
    pub faults: Vec<Fault>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error without a source.
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into(), faults: Vec::new(), source: None }
    }

    /// Shorthand for [`Kind::Invalid`].
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, code, message)
    }

    /// Shorthand for [`Kind::Internal`] with its cause; the cause goes to the log, never to the reader.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(
                Kind::Internal,
                "internal",
                "Une erreur interne est survenue. Réessayez ; si elle persiste, prévenez l'administrateur.",
            )
        }
    }

    /// Attaches the cause, for the log.
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Attaches located faults.
    pub fn with_faults(mut self, faults: Vec<Fault>) -> Self {
        self.faults = faults;
        self
    }

    /// HTTP status of this kind.
    pub fn status(&self) -> u16 {
        match self.kind {
            Kind::Invalid => 422,
            Kind::NotFound => 404,
            Kind::Unauthenticated => 401,
            Kind::Forbidden => 403,
            Kind::Conflict => 409,
            Kind::TooLarge => 413,
            Kind::TooMany => 429,
            Kind::Unavailable => 503,
            Kind::Internal => 500,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|s| s.as_ref() as _)
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::new(Kind::Internal, "io", "Une lecture ou une écriture sur le disque a échoué.").with_source(error)
    }
}
