//! Lays a view out as one self-contained HTML file: style and charts are inside, nothing is fetched, nothing runs.

use askama::Template;

use super::{
    IndicatorView, View,
    charts::{RowKind, Theme, chart},
};
use crate::error::{Error, Result};

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    view: &'a View,
    style: &'static str,
    indicators: Vec<(&'a IndicatorView, String)>,
}

pub(super) fn render(view: &View) -> Result<String> {
    let charts = view.results.iter().map(|r| if r.sites.is_empty() { String::new() } else { chart(r, Theme::Page) });
    let page = Page { view, style: include_str!("templates/report.css"), indicators: view.indicators.iter().zip(charts).collect() };
    page.render().map_err(Error::internal)
}
