"""Les retours d'expérience des exemples : réponses inventées, par structure.

Chaque structure répond dans l'ordre de `QUESTIONS` ; None laisse la question sans réponse.
"""

QUESTIONS = ["agents", "mise_en_place", "benefices", "difficultes", "limites", "poursuite", "conseil"]
# De la note donnée par la structure (2 à 5) à ce qu'elle dit de la mise en place et de ses objectifs.
SETTING_UP = {2: "Avec de grandes difficultés", 3: "Avec quelques difficultés", 4: "Avec quelques difficultés", 5: "Sans difficulté"}
GOALS = {2: "Non", 3: "En partie", 4: "En partie", 5: "Oui, tous"}
NEXT = {"Oui, en l'état": "Continuer avec la solution", "Oui, avec des changements": "Continuer après des améliorations",
        "À discuter": "Continuer après des améliorations"}
ABOUT = {
    "tri-demandes": ("Accueil, état civil, guichet unique", "Répondre plus vite aux demandes simples, sans perdre en qualité."),
    "depots-sauvages": ("Propreté urbaine, centre technique municipal", "Enlever les dépôts plus tôt et mieux placer les tournées."),
    "chauffage": ("Bâtiments, énergie, écoles", "Consommer moins sans gêner les occupants."),
}


def answers(name, *values):
    given = dict(zip(QUESTIONS, values, strict=True))
    note = given["mise_en_place"]
    given["mise_en_place"] = SETTING_UP[note]
    # Un essai en cours : la structure n'a pas encore répondu à tout.
    if given["poursuite"] in NEXT:
        given["poursuite"] = NEXT[given["poursuite"]]
        given["objectifs"] = GOALS[note]
        given["limites"] = given["limites"] or "Aucun effet non voulu constaté à ce jour."
        given["conseil"] = given["conseil"] or "Nommer un référent dès la réunion de lancement."
    else:
        given["poursuite"] = None
        given["objectifs"] = "Il est trop tôt pour le dire"
    given["services"], given["attentes"] = ABOUT[name]
    # L'échelle SUS (Brooke, 1996) alterne phrases positives et négatives.
    given |= {f"sus_{i}": note if i % 2 else 6 - note for i in range(1, 11)}
    given |= {"reliability": note, "transparency": max(1, note - 1), "frugality": note}
    return {question: value for question, value in given.items() if value is not None}


DEPOTS = [
    ("93066", "929939411", 24, 4,
     "Les tournées partent avec une liste à jour. Les gros dépôts autour de la gare partent le lendemain, alors qu'il fallait compter trois à quatre jours.",
     "Trois semaines de réglage : les bacs de tri posés sur le trottoir étaient pris pour des dépôts.",
     "Les gardiens d'immeuble appellent moins, car ils voient passer l'équipe.",
     "Oui, en l'état", "Garder un agent référent pour relire les alertes douteuses, une demi-heure par jour."),
    ("93001", "219300019", 18, 4,
     "Nous savons enfin où reviennent les dépôts : onze points concentrent la moitié des volumes.",
     "Deux caméras en panne pendant dix jours au mois d'août.",
     None, "Oui, avec des changements", "Un contrat de maintenance avec remplacement en 48 heures."),
    ("95018", "219500188", 22, 3,
     "La liste du matin est utile, surtout pour les quartiers éloignés du centre technique.",
     "Le gain de délai est modeste : le camion-grue ne passe que deux fois par semaine, quelle que soit l'alerte.",
     "Le goulot d'étranglement n'était pas la détection, mais l'enlèvement.",
     "Oui, avec des changements", "Revoir d'abord le planning du camion-grue."),
    ("93055", "219300555", 15, 5,
     "Les agents ont adopté l'outil en quelques jours. Ils demandent à l'étendre aux graffitis.",
     "Il a fallu expliquer plusieurs fois que la caméra ne filme ni les visages ni les plaques.",
     "Une visite du syndicat a apaisé les craintes de surveillance des équipes.",
     "Oui, en l'état", "Refaire la réunion d'information à chaque nouvel équipage."),
    ("93071", "219300712", 16, 4,
     "Deux jours gagnés en moyenne. Les habitants du quartier sud l'ont remarqué.",
     "La précision reste plus faible la nuit et sous la pluie.",
     None, "Oui, en l'état", "Ne pas envoyer d'équipe sur une alerte de nuit sans relecture."),
    ("92036", "219200367", 12, 3,
     "Les signalements sont mieux décrits : nature et volume sont connus avant de partir.",
     "Peu de différence sur les délais : ils étaient déjà courts.",
     None, "À discuter", "Chiffrer le coût par dépôt évité avant de généraliser."),
    ("92024", "219200243", 11, 2,
     "La carte des points noirs a servi au conseil de quartier.",
     "L'équipe a perdu deux agents en août, et les délais se sont allongés : l'outil n'y est pour rien.",
     "Les alertes s'accumulaient sans personne pour les traiter, ce qui a découragé les agents.",
     "À discuter", "Ne démarrer qu'avec une équipe au complet."),
    ("94041", "219400413", 14, 4,
     "Un jour de moins en moyenne. Nous avons réduit les tournées de repérage en voiture.",
     "L'export mensuel demande encore une demi-journée à notre service informatique.",
     None, "Oui, en l'état", "Un envoi automatique des fichiers."),
    ("94017", "219400173", 19, 4,
     "Les équipes et le centre d'appels travaillent enfin sur la même liste.",
     "Des lignes collées deux fois dans le fichier de septembre ; le contrôle les a vues tout de suite.",
     None, "Oui, avec des changements", "Relier l'outil à notre logiciel de gestion des interventions."),
    ("94078", "219400785", 13, 5,
     "Deux jours gagnés dans une ville où le sujet est le premier motif de plainte.",
     "Les zones en travaux donnent beaucoup de fausses alertes.",
     "Les entreprises de chantier rangent mieux depuis qu'elles savent que nous passons.",
     "Oui, en l'état", "Pouvoir masquer les chantiers déclarés."),
    ("91027", "219100278", 9, 4,
     "Un outil simple. Un seul agent suffit à relire les alertes.",
     "La couverture du réseau mobile est faible en bord de Seine : certaines alertes arrivent le soir.",
     None, "Oui, en l'état", None),
]

CHAUFFAGE = [
    ("93048", "219300480", 8, 4,
     "Quatorze bâtiments suivis depuis un seul écran. Les régisseurs ne se déplacent plus pour changer une consigne.",
     "Deux chaudières anciennes n'acceptent qu'une consigne par jour.",
     "Nous avons découvert un gymnase chauffé tout le dimanche depuis des années.",
     "Oui, en l'état", "Équiper les deux chaudières avant l'hiver prochain."),
    ("92063", "219200631", 6, 4,
     "Une baisse nette, sans intervention des équipes.",
     "Les directrices d'école ont demandé à pouvoir relever la consigne à 8 h.",
     None, "Oui, avec des changements", "Une dérogation simple, limitée à deux heures."),
    ("94033", "219400330", 7, 3,
     "Les économies sont là, les plus fortes dans les écoles élémentaires.",
     "Il a fait trop frais dans deux crèches : nous avons suspendu le pilotage pendant une semaine.",
     "Les sondes étaient mal placées, près des portes.",
     "Oui, avec des changements", "Un plancher à 20 °C dans les crèches."),
    ("91326", "219103264", 4, 3,
     "Un premier suivi des consommations, jour par jour, que nous n'avions pas.",
     "Neuf bâtiments seulement : nous voyons mal ce qui vient du pilotage et ce qui vient de la météo.",
     None, "À discuter", "Rejoindre un groupement avec d'autres communes."),
    ("200057966", "200057966", 9, 4,
     "Les équipements culturels aux horaires variables y gagnent le plus.",
     "Le calendrier des conservatoires doit être saisi à la main.",
     None, "Oui, en l'état", "Lire le calendrier dans notre logiciel de réservation."),
]

TRI = [
    ("93048", "219300480", 24, 4,
     "À mi-parcours : les agents apprécient surtout le choix du service, moins le brouillon de réponse.",
     "Les demandes qui portent deux sujets restent mal triées.",
     None, "Trop tôt pour le dire", None),
    ("94028", "219400280", 24, 4,
     "À mi-parcours : les demandes simples partent le jour même.",
     "Il faut relire chaque brouillon ; certains agents préfèrent écrire.",
     "Des usagers remercient pour la rapidité, sans savoir qu'un assistant a aidé.",
     "Trop tôt pour le dire", None),
]

REX = {name: [(folder, siren, answers(name, *rest)) for folder, siren, *rest in rows]
       for name, rows in (("tri-demandes", TRI), ("depots-sauvages", DEPOTS), ("chauffage", CHAUFFAGE))}
