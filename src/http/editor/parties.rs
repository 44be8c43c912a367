//! Organisations as a person names them: «Montreuil», «219300480», «Montreuil (219300480)», «93048».

use crate::territory::{self, Organisation, OrganisationKind};

/// What is chosen from: every organisation that may take part, as its field shows it.
pub fn directory() -> Vec<String> {
    territory::all().iter().filter(|o| o.kind != OrganisationKind::Metropole).map(shown).collect()
}

fn shown(organisation: &Organisation) -> String {
    format!("{} ({})", organisation.name, organisation.siren)
}

/// A SIREN as its field shows it.
pub(super) fn name(siren: &str) -> String {
    siren.parse().ok().and_then(|s| territory::by_siren(&s)).map_or_else(|| siren.to_owned(), shown)
}

/// The SIREN that a person means; what they wrote where that is nobody's.
pub(super) fn siren(text: &str) -> String {
    let text = text.trim();
    let inside = text.rsplit_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    for candidate in [inside, Some(text)].into_iter().flatten() {
        let digits: String = candidate.chars().filter(|c| !c.is_whitespace()).collect();
        if digits.len() == 9 && digits.bytes().all(|b| b.is_ascii_digit()) {
            return digits;
        }
        if let Some(organisation) = territory::by_code(&digits) {
            return organisation.siren.to_string();
        }
    }
    let wanted = fold(text);
    let mut found = territory::all().iter().filter(|o| fold(o.name) == wanted);
    match (found.next(), found.next()) {
        (Some(one), None) => one.siren.to_string(),
        _ => text.to_owned(),
    }
}

fn fold(name: &str) -> String {
    crate::convention::model::slug(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_is_found_as_people_name_it() {
        for text in ["Montreuil", "montreuil", "219300480", "219 300 480", "Montreuil (219300480)", "93048"] {
            assert_eq!(siren(text), "219300480", "{text}");
        }
        assert_eq!(siren("Marseille"), "Marseille");
        assert!(directory().iter().all(|d| name(&siren(d)) == *d), "each is found again by what is shown");
    }
}
