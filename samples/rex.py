REX = {"tri-demandes": [], "depots-sauvages": [], "chauffage": []}
