//! The annexes: the evaluation plan, the REX questionnaire, and what an amendment changes.

use super::{Article, Block, article, fact, text};
use crate::{
    convention::Convention,
    error::Result,
    evaluation::rex::{self, QuestionKind},
    report::{Fact, agreed, french},
};

pub(super) fn annexes(c: &Convention, changes: &[String]) -> Result<Vec<Article>> {
    let mut annexes = vec![article("Plan d'évaluation", plan(c))];
    annexes.push(article("Questionnaire du retour d'expérience", questionnaire(c)?));
    if !changes.is_empty() {
        let mut blocks = vec![text("Par rapport à la version précédente, l'avenant change ce qui suit :")];
        blocks.push(Block::List { items: changes.to_vec() });
        annexes.push(article("Ce que change l'avenant", blocks));
    }
    Ok(annexes)
}

fn plan(c: &Convention) -> Vec<Block> {
    let d = &c.document;
    let facts = agreed::plan(d).into_iter().map(|f| Fact { term: f.term, text: french::typeset(&f.text) }).collect();
    let mut blocks = vec![Block::Facts { facts }];
    let indicators: Vec<_> = d.evaluation.indicators.iter().map(agreed::indicator).collect();
    if indicators.is_empty() {
        blocks.push(text("Aucun indicateur n'est prévu."));
        return blocks;
    }
    blocks.push(Block::Table {
        caption: "Indicateurs".to_owned(),
        columns: vec!["Indicateur", "Rôle", "Mesure", "Sens favorable", "Objectif"],
        widths: vec![2.2, 1.0, 1.2, 1.1, 1.4],
        rows: indicators
            .iter()
            .map(|i| [&i.title, &i.role, &i.measure, &i.better, &i.target].map(|s| french::typeset(s)).to_vec())
            .collect(),
    });
    blocks.push(text("Chaque indicateur se calcule ainsi. Les expressions font foi."));
    for i in indicators {
        blocks.push(Block::Heading { text: i.title });
        blocks.extend(i.description.map(|text| Block::Text { text }));
        blocks.extend(i.effect.map(|e| Block::Facts { facts: vec![fact("Effet mesuré", french::typeset(&e))] }));
        if !i.formula.is_empty() {
            blocks.push(Block::Formula { facts: i.formula.into_iter().map(|f| fact(&f.term, f.text)).collect() });
        }
    }
    blocks
}

fn questionnaire(c: &Convention) -> Result<Vec<Block>> {
    let Some(asked) = &c.document.rex else { return Ok(vec![text("Aucun questionnaire n'est prévu.")]) };
    let questionnaire = rex::questionnaire(&asked.questionnaire)?;
    let mut blocks = Vec::new();
    if asked.questionnaire == "default" {
        blocks.push(text("Le questionnaire est celui du programme."));
    }
    for section in questionnaire.sections {
        blocks.push(Block::Heading { text: section.title });
        let rows = section.questions.into_iter().map(|q| {
            let answer = match q.kind {
                QuestionKind::Text => "texte libre".to_owned(),
                QuestionKind::Number => "nombre".to_owned(),
                QuestionKind::Scale => "note de 1 à 5".to_owned(),
                QuestionKind::Choice => q.choices.join(" ; "),
            };
            vec![q.label, answer, if q.required { "oui" } else { "non" }.to_owned()]
        });
        blocks.push(Block::Table {
            caption: String::new(),
            columns: vec!["Question", "Réponse", "Obligatoire"],
            widths: vec![3.0, 1.8, 0.8],
            rows: rows.collect(),
        });
    }
    Ok(blocks)
}
