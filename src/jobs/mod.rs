//! The job queue and its runner, one thin file per job.
