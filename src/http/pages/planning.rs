//! What an experiment could see: the smallest effect that its numbers detect, before anything is signed.

use serde_json::Value as Json;

use crate::{
    http::{state::Fields, words},
    report::scale::short,
    statistics::planning::{design_effect, minimum_detectable_effect},
};

/// The helper of the evaluation plan.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Planning {
    pub inputs: Vec<Input>,
    pub sentence: Option<String>,
    pub compared: Vec<String>,
    pub rows: Vec<(String, String)>,
    pub error: Option<String>,
}

/// One assumption.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Input {
    pub name: &'static str,
    pub label: &'static str,
    pub hint: &'static str,
    pub value: String,
}

struct Assumed {
    sites: u64,
    rows: f64,
    /// Of one row: variance, and whether it is a share.
    variance: f64,
    share: bool,
    tau: f64,
    deff: f64,
    confidence: f64,
    power: f64,
}

impl Assumed {
    /// Of the effect that `rows` per group and site would see.
    fn smallest(&self, rows: f64) -> Option<f64> {
        let of_one_site = 2.0 * self.variance * self.deff / rows;
        minimum_detectable_effect(self.sites, self.tau * self.tau, of_one_site, self.confidence, self.power).ok()
    }

    fn said(&self, effect: f64) -> String {
        if self.share { format!("{}\u{a0}points", words::number(100.0 * effect, 1)) } else { short(effect) }
    }
}

/// What is assumed, from the address, and what follows from it.
pub(super) fn planning(document: &Json, assumed: &Fields) -> Planning {
    let plan = &document["evaluation"]["planning"];
    let risk = |key: &str, absent: f64| plan[key].as_f64().filter(|x| *x > 0.0 && *x < 1.0).unwrap_or(absent);
    let sites = document["parties"]["sites"].as_array().map_or(0, Vec::len);
    let text = |name: &str, absent: String| match assumed.get(name) {
        "" => absent,
        given => given.chars().filter(|c| !c.is_control()).take(20).collect(),
    };
    let percent = |x: f64| short(x);
    let inputs = vec![
        Input { name: "structures", label: "Structures", hint: "Trois au moins.", value: text("structures", sites.max(3).to_string()) },
        Input {
            name: "lignes",
            label: "Lignes par groupe et par structure",
            hint: "Des dossiers, des agents…",
            value: text("lignes", String::new()),
        },
        Input {
            name: "taux",
            label: "Part attendue, de 0 à 1",
            hint: "Pour une part\u{a0}; sinon laissez vide.",
            value: text("taux", String::new()),
        },
        Input {
            name: "ecart_type",
            label: "Écart-type d'une ligne",
            hint: "Pour une moyenne, dans son unité.",
            value: text("ecart_type", String::new()),
        },
        Input {
            name: "entre",
            label: "Écart-type entre structures",
            hint: "De combien l'effet varie d'une structure à l'autre\u{a0}; 0 s'il est le même.",
            value: text("entre", "0".to_owned()),
        },
        Input {
            name: "grappe",
            label: "Lignes par agent",
            hint: "Taille moyenne des groupes de lignes\u{a0}; 1 sans regroupement.",
            value: text("grappe", "1".to_owned()),
        },
        Input {
            name: "icc",
            label: "Ressemblance dans un groupe, de 0 à 1",
            hint: "Corrélation entre les lignes d'un même agent.",
            value: text("icc", "0".to_owned()),
        },
        Input { name: "alpha", label: "Risque d'erreur accepté", hint: "", value: text("alpha", percent(risk("alpha", 0.05))) },
        Input { name: "puissance", label: "Puissance voulue", hint: "", value: text("puissance", percent(risk("power", 0.8))) },
    ];
    let mut planning = Planning { inputs, ..Planning::default() };
    if planning.value("lignes").is_none() {
        return planning;
    }
    match planning.read() {
        Ok((a, rows)) => planning.conclude(document, &a, rows),
        Err(message) => planning.error = Some(message.to_owned()),
    }
    planning
}

impl Planning {
    fn value(&self, name: &str) -> Option<f64> {
        let text = &self.inputs.iter().find(|i| i.name == name)?.value;
        let plain: String = text.replace(',', ".").replace('−', "-").chars().filter(|c| !c.is_whitespace()).collect();
        plain.parse().ok().filter(|x: &f64| x.is_finite())
    }

    fn read(&self) -> Result<(Assumed, f64), &'static str> {
        let within = |name: &str, low: f64, high: f64| self.value(name).filter(|x| (low..=high).contains(x));
        let sites = within("structures", 3.0, 142.0).ok_or("Il faut trois structures au moins, et 142 au plus.")?;
        let rows =
            within("lignes", 2.0, 1e9).ok_or("Écrivez combien de lignes chaque groupe compte dans une structure\u{a0}: 2 au moins.")?;
        let (variance, share) = match (within("taux", 1e-6, 1.0 - 1e-6), within("ecart_type", 1e-12, 1e12)) {
            (Some(rate), None) => (rate * (1.0 - rate), true),
            (None, Some(sd)) => (sd * sd, false),
            _ => return Err("Écrivez ou bien une part attendue, entre 0 et 1, ou bien un écart-type."),
        };
        let tau = within("entre", 0.0, 1e12).ok_or("L'écart-type entre structures est un nombre positif, ou 0.")?;
        let size = within("grappe", 1.0, 1e9).ok_or("Un agent a une ligne au moins.")?;
        let icc = within("icc", 0.0, 1.0).ok_or("La ressemblance dans un groupe va de 0 à 1.")?;
        let alpha = within("alpha", 1e-6, 0.5).ok_or("Le risque d'erreur va de 0 à 0,5\u{a0}: 0,05 d'ordinaire.")?;
        let power = within("puissance", 0.5, 0.999).ok_or("La puissance va de 0,5 à 1\u{a0}: 0,8 d'ordinaire.")?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 3 and 142")]
        let sites = sites as u64;
        Ok((Assumed { sites, rows, variance, share, tau, deff: design_effect(size, icc), confidence: 1.0 - alpha, power }, rows))
    }

    fn conclude(&mut self, document: &Json, a: &Assumed, rows: f64) {
        let Some(effect) = a.smallest(rows) else {
            self.error = Some("Ces hypothèses ne permettent pas de calcul\u{a0}: vérifiez-les.".to_owned());
            return;
        };
        let inflated = if a.deff > 1.0 {
            format!(" Comme les lignes d'un même agent se ressemblent, elles en valent {} fois moins.", short(a.deff))
        } else {
            String::new()
        };
        self.sentence = Some(format!(
            "Avec {} structures et {} lignes par groupe dans chacune, le plus petit écart que l'on voit est de {}, avec {}\u{a0}% de chances.{inflated}",
            a.sites,
            short(a.rows),
            a.said(effect),
            short(100.0 * a.power),
        ));
        for indicator in document["evaluation"]["indicators"].as_array().into_iter().flatten() {
            let share = indicator["statistic"] == "proportion";
            let Some(target) = indicator["target"]["effect"].as_f64().filter(|t| share == a.share && *t != 0.0) else { continue };
            let title = indicator["title"].as_str().unwrap_or_default();
            let verdict = if target.abs() >= effect {
                "il peut se voir"
            } else {
                "il est trop petit pour se voir\u{a0}: prévoyez plus de lignes ou de structures"
            };
            self.compared.push(format!("«\u{a0}{title}\u{a0}» vise un écart de {}\u{a0}: {verdict}.", a.said(target.abs())));
        }
        let mut counts: Vec<f64> = [0.25, 0.5, 1.0, 2.0, 4.0].iter().map(|f| (f * rows).round().max(2.0)).collect();
        counts.dedup();
        self.rows = counts.into_iter().filter_map(|n| a.smallest(n).map(|e| (words::number(n, 0), a.said(e)))).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convention::model;

    fn of(assumed: &[(&str, &str)]) -> Planning {
        planning(&model::document(), &Fields(assumed.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()))
    }

    #[test]
    fn the_smallest_effect_is_said_and_compared() {
        // (qt(.975, 5) + qt(.8, 5))·√(2·0,25/600/6), quantiles of R: 0,0411.
        let found = of(&[("structures", "6"), ("lignes", "600"), ("taux", "0,5")]);
        assert!(found.sentence.as_deref().is_some_and(|s| s.contains("4,1\u{a0}points")), "{:?}", found.sentence);
        assert!(found.compared[0].contains("il peut se voir"), "{:?}", found.compared);
        assert_eq!(found.rows.len(), 5);
        let clustered = of(&[("structures", "6"), ("lignes", "600"), ("taux", "0,5"), ("grappe", "60"), ("icc", "0,1")]);
        assert!(clustered.compared[0].contains("trop petit"), "{:?}", clustered.compared);
        assert!(
            of(&[("lignes", "600")]).error.is_some()
                && of(&[]).sentence.is_none()
                && of(&[("lignes", "x"), ("structures", "∞")]).error.is_none()
        );
    }
}
