# Refait les effets d'ensemble avec metafor, et les compare à ceux de Retex.
#
#   Rscript comparaison.R [comparaison-international.csv]
#
# Demande R et son paquet metafor (install.packages("metafor"), ou r-cran-metafor sous Debian).
# Chaque effet d'une structure et son erreur type sont lus tels que Retex les donne ; le reste est calculé ici.
# Le script finit avec le code 1 si un écart relatif dépasse 1e-6.

suppressPackageStartupMessages(library(metafor))

given <- commandArgs(trailingOnly = TRUE)
file <- if (length(given) > 0) given[1] else "comparaison-international.csv"
table <- read.csv(file, encoding = "UTF-8", stringsAsFactors = FALSE, na.strings = "", check.names = FALSE)
methods <- c(reml = "REML", dl = "DL", pm = "PM")
apart <- 0
compared <- 0

for (id in unique(table$indicator)) {
  ours <- table[table$indicator == id & table$row == "pooled", ]
  sites <- table[table$indicator == id & table$row == "site" & !is.na(table$estimate) & !is.na(table$se), ]
  if (is.na(ours$method) || !identical(ours$pooled_of, "effect")) {
    cat(sprintf("%s : pas d'effet d'ensemble à refaire\n", id))
    next
  }
  if (is.na(ours$tau2) || nrow(sites) != ours$k) {
    cat(sprintf("%s : des valeurs sont masquées, le calcul ne peut pas être refait\n", id))
    next
  }
  fit <- rma(yi = sites$estimate, sei = sites$se, method = methods[[ours$method]], test = "adhoc", level = 100 * ours$confidence,
             control = list(threshold = 1e-12, maxiter = 10000, tol = 1e-12))
  normal <- rma(yi = sites$estimate, sei = sites$se, method = methods[[ours$method]], tau2 = fit$tau2)
  here <- c(estimate = as.numeric(fit$beta), se = normal$se, tau2 = fit$tau2, i2 = fit$I2, q = fit$QE,
            se_adhoc = fit$se, low_adhoc = fit$ci.lb, high_adhoc = fit$ci.ub)
  cat(sprintf("%s (%d structures)\n", id, as.integer(ours$k)))
  for (name in names(here)) {
    theirs <- ours[[name]]
    # Près de zéro, un écart se juge à l'échelle de l'erreur type.
    difference <- abs(here[[name]] - theirs) / max(abs(theirs), normal$se, 1e-12)
    wrong <- is.na(difference) || difference > 1e-6
    apart <- apart + wrong
    compared <- compared + 1
    cat(sprintf("  %-10s Retex %-22.15g metafor %-22.15g %s\n", name, theirs, here[[name]], if (wrong) "ÉCART" else "identique"))
  }
}
cat(sprintf("%d valeurs comparées, %d écarts\n", compared, apart))
quit(status = if (apart > 0) 1 else 0)
