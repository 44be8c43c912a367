//! The list of experiments.

use askama::Template;
use axum::extract::State as Extract;

use crate::{
    app::App,
    http::{
        failure::{PageResult, html},
        load, present,
        state::{Signed, who},
        view::{ExperimentRow, Page},
        words,
    },
};

/// The page.
#[derive(Template)]
#[template(path = "experiments.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Experiments {
    pub page: Page,
    pub count: String,
    pub experiments: Vec<ExperimentRow>,
}

/// `GET /experimentations`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed) -> PageResult {
    let today = load::today(&app);
    let mut experiments = Vec::new();
    for loaded in load::conventions(&app, &actor).await? {
        let received = load::deposits_of(&app, &actor, &loaded).await?;
        experiments.push(present::experiment_row(&loaded, &load::coverage(&loaded, &actor, &received, today), today));
    }
    html(Experiments {
        page: Page::new("Expérimentations", who(&actor), "experiments"),
        count: words::plural(experiments.len() as u64, "expérimentation", "expérimentations"),
        experiments,
    })
}
