"""Les retours d'expérience des exemples : réponses inventées au questionnaire de la plateforme, par structure.

Chaque ligne donne ce qui est propre à la structure ; `services`, `attentes` et les affirmations de l'échelle SUS
se complètent par essai. Une réponse `None` reste sans réponse.
"""

TOUT, PARTIE, NON, TOT = "Oui, tous", "En partie", "Non", "Il est trop tôt pour le dire"
CONTINUER, AMELIORER, ARRETER = "Continuer avec la solution", "Continuer après des améliorations", "Arrêter"
SIMPLE, QUELQUES, GRANDES = "Sans difficulté", "Avec quelques difficultés", "Avec de grandes difficultés"

# dossier, SIREN, agents, semaines, jours de travail, mise en place, objectifs, suite, note d'ensemble (1 à 5),
# bénéfices, limites, difficultés, travail des agents, améliorations, conseil, données
DEPOTS = [
    ("93066", "929939411", 24, 17, 31, QUELQUES, PARTIE, CONTINUER, 4,
     "Les tournées partent avec une liste à jour. Les gros dépôts autour de la gare partent le lendemain, alors qu'il fallait compter trois à quatre jours.",
     "La caméra ne voit pas les cours intérieures ni les pieds d'immeuble en retrait.",
     "Trois semaines de réglage : les bacs de tri posés sur le trottoir étaient pris pour des dépôts.",
     "Moins de repérage en voiture, plus de temps d'enlèvement.",
     "Garder un agent référent pour relire les alertes douteuses, une demi-heure par jour.",
     "Relisez les alertes à deux pendant le premier mois.", None),
    ("93001", "219300019", 18, 16, 22, QUELQUES, PARTIE, AMELIORER, 4,
     "Nous savons enfin où reviennent les dépôts : onze points concentrent la moitié des volumes.",
     "Rien n'est vu les jours sans tournée.",
     "Deux caméras en panne pendant dix jours au mois d'août.", None,
     "Un contrat de maintenance, avec remplacement en 48 heures.",
     "Prévoyez une caméra de secours.", "En août, des tournées à pied ont remplacé les deux caméras en panne."),
    ("95018", "219500188", 22, 17, 19, SIMPLE, NON, AMELIORER, 3,
     "La liste du matin est utile, surtout pour les quartiers éloignés du centre technique.",
     "Le gain de délai est modeste : le camion-grue ne passe que deux fois par semaine, quelle que soit l'alerte.",
     None, "Peu de changement : ce n'est pas la détection qui nous freinait, mais l'enlèvement.",
     "Revoir d'abord le planning du camion-grue.", "Regardez où se perd le temps avant de choisir l'outil.", None),
    ("93055", "219300555", 15, 17, 24, QUELQUES, PARTIE, CONTINUER, 5,
     "Les agents ont adopté l'outil en quelques jours. Ils demandent à l'étendre aux graffitis.",
     "Certains habitants craignent d'être filmés.",
     "Il a fallu expliquer plusieurs fois que la caméra ne garde ni visage ni plaque.",
     "Les équipes choisissent l'ordre de leur tournée.",
     "Une affiche sur les bennes qui explique ce que la caméra garde.",
     "Invitez les représentants du personnel à voir les images dès le départ.", None),
    ("93071", "219300712", 16, 15, 20, SIMPLE, PARTIE, CONTINUER, 4,
     "Plus d'un jour gagné en moyenne. Les habitants du quartier sud l'ont remarqué.",
     "La précision reste plus faible la nuit et sous la pluie.", None, None,
     "Ne pas envoyer d'équipe sur une alerte de nuit sans relecture.",
     "Commencez par un seul secteur.", None),
    ("92036", "219200367", 12, 14, 16, SIMPLE, NON, AMELIORER, 3,
     "Les signalements sont mieux décrits : nature et volume sont connus avant de partir.",
     "Peu de différence sur les délais, qui étaient déjà courts.", None, None,
     "Chiffrer le coût par dépôt avant de généraliser.",
     "Mesurez vos délais avant d'acheter : les nôtres étaient déjà bons.", None),
    ("92024", "219200243", 11, 12, 18, GRANDES, NON, AMELIORER, 2,
     "La carte des points noirs a servi au conseil de quartier.",
     "Les alertes s'accumulaient sans personne pour les traiter, ce qui a découragé les agents.",
     "L'équipe a perdu deux agents en août ; nous avons emprunté un équipage au secteur voisin.",
     "Plus de pression sur un effectif réduit.", "Un effectif au complet.",
     "Ne démarrez qu'avec une équipe au complet.", "Les délais d'août et septembre reflètent le manque d'agents autant que la solution."),
    ("94041", "219400413", 14, 17, 25, QUELQUES, PARTIE, CONTINUER, 4,
     "Un jour de moins en moyenne. Nous avons réduit les tournées de repérage en voiture.",
     "Les petits sacs isolés sont souvent manqués.",
     "L'export mensuel demande encore une demi-journée à notre service informatique.", None,
     "Un envoi automatique des fichiers.", "Faites écrire l'export une fois pour toutes, avec le modèle de fichier.", None),
    ("94017", "219400173", 19, 16, 23, QUELQUES, PARTIE, AMELIORER, 4,
     "Les équipes et le centre d'appels travaillent enfin sur la même liste.",
     "Il faut encore ressaisir la date d'enlèvement dans notre logiciel.",
     "Des lignes collées deux fois dans le fichier de septembre ; le contrôle les a vues tout de suite.", None,
     "Relier l'outil à notre logiciel de gestion des interventions.",
     "Contrôlez le fichier avant de l'envoyer : c'est fait en une minute.", None),
    ("94078", "219400785", 13, 17, 21, QUELQUES, PARTIE, CONTINUER, 5,
     "Près de deux jours gagnés, dans une ville où le sujet est le premier motif de plainte.",
     "Les zones en travaux donnent beaucoup de fausses alertes.", None,
     "Les entreprises de chantier rangent mieux depuis qu'elles savent que nous passons.",
     "Pouvoir masquer les chantiers déclarés.", "Prévenez les entreprises de chantier.", None),
    ("91027", "219100278", 9, 15, 12, SIMPLE, PARTIE, CONTINUER, 4,
     "Un outil simple. Un seul agent suffit à relire les alertes.",
     "La couverture du réseau mobile est faible en bord de Seine : certaines alertes arrivent le soir.", None, None, None,
     "Vérifiez le réseau mobile sur vos tournées.", None),
]

CHAUFFAGE = [
    ("93048", "219300480", 8, 12, 14, QUELQUES, PARTIE, CONTINUER, 4,
     "Quatorze bâtiments suivis depuis un seul écran. Nous avons découvert un gymnase chauffé tout le dimanche depuis des années.",
     "Les bureaux exposés au nord passent sous 19 °C les matins de grand froid.",
     "Deux chaudières anciennes n'acceptent qu'une consigne par jour.",
     "Les régisseurs ne se déplacent plus pour changer une consigne.",
     "Équiper les deux chaudières avant l'hiver prochain.", "Faites l'inventaire des régulations avant de commencer.",
     "Environ un relevé d'énergie sur cinquante manque : le compteur n'a pas répondu."),
    ("92063", "219200631", 6, 12, 9, SIMPLE, PARTIE, AMELIORER, 4,
     "Une baisse nette, sans intervention des équipes.",
     "Les classes sont fraîches à l'ouverture : les directrices ont demandé à relever la consigne à 8 h.", None, None,
     "Une dérogation simple, limitée à deux heures.", "Prévenez les directrices d'école une semaine avant.", None),
    ("94033", "219400330", 7, 11, 13, QUELQUES, PARTIE, AMELIORER, 3,
     "Les économies sont là, les plus fortes dans les écoles élémentaires.",
     "Il a fait trop frais dans deux crèches.",
     "Les sondes étaient mal placées, près des portes ; nous les avons déplacées.", None,
     "Un plancher à 20 °C dans les crèches.", "Vérifiez la place des sondes avant tout.", None),
    ("91326", "219103264", 4, 12, 8, SIMPLE, PARTIE, CONTINUER, 3,
     "Un premier suivi des consommations, jour par jour, que nous n'avions pas.",
     "Avec neuf bâtiments, nous voyons mal seuls ce qui vient du pilotage et ce qui vient de la météo.", None, None, None,
     "Rejoignez un groupe de communes : seul, on ne conclut pas.", None),
    ("200057966", "200057966", 9, 12, 11, QUELQUES, PARTIE, CONTINUER, 4,
     "Les équipements culturels aux horaires variables y gagnent le plus.",
     "Un concert ajouté au dernier moment s'est tenu à 17 °C.",
     "Le calendrier des conservatoires doit être saisi à la main.", None,
     "Lire le calendrier dans notre logiciel de réservation.", "Désignez une personne qui tient le calendrier.", None),
]

TRI = [
    ("93048", "219300480", 24, 11, 17, QUELQUES, TOT, CONTINUER, 4,
     "À mi-parcours : les agents apprécient surtout le choix du service, moins le brouillon de réponse.",
     "Les demandes qui portent deux sujets restent mal triées.", None,
     "Moins de renvois d'un service à l'autre.", None, "Laissez le temps aux agents de se faire un avis.", None),
    ("94028", "219400280", 24, 11, 15, SIMPLE, TOT, CONTINUER, 4,
     "À mi-parcours : les demandes simples partent le jour même.",
     "Il faut relire chaque brouillon ; certains agents préfèrent écrire.", None, None, None,
     "Dites aux usagers qu'un assistant aide l'agent.", None),
]

COMMUN = {
    "depots-sauvages": ("Propreté urbaine, centre technique et centre d'appels.", "Enlever plus vite, et savoir où reviennent les dépôts."),
    "chauffage": ("Bâtiments, énergie et régie technique.", "Consommer moins sans perdre en confort."),
    "tri-demandes": ("Relation aux usagers et services instructeurs.", "Répondre plus vite, et au bon endroit du premier coup."),
}
MENTION = "Sur la page du projet, sur le site de la collectivité, et sur l'affiche d'information."


def answers(sample, agents, weeks, days, setup, goals, then, mark, benefits, limits, hard, work, improve, advice, data):
    services, hopes = COMMUN[sample]
    # SUS: odd statements are favourable, even ones are not.
    sus = {f"sus_{n}": mark if n % 2 else 6 - mark for n in range(1, 11)}
    principles = {"general_interest": min(5, mark + 1), "frugality": mark, "transparency": 4, "explainability": max(2, mark - 1),
                  "reliability": mark, "security": 4, "compliance": 4, "free_software": 5, "data_sovereignty": 5}
    given = {"services": services, "agents": agents, "duree_usage": weeks, "attentes": hopes, "mise_en_place": setup, "difficultes": hard,
             "jours_internes": days, "accompagnement": min(5, mark + 1), "prestataire": mark, "objectifs": goals, "benefices": benefits,
             "limites": limits, "travail": work, **sus, **principles, "collecte": max(2, mark - 1), "donnees_remarques": data,
             "poursuite": then, "ameliorations": improve, "conseil": advice, "mention": MENTION}
    return {question: answer for question, answer in given.items() if answer is not None}


REX = {sample: [(folder, siren, answers(sample, *rest)) for folder, siren, *rest in rows]
       for sample, rows in (("tri-demandes", TRI), ("depots-sauvages", DEPOTS), ("chauffage", CHAUFFAGE))}
