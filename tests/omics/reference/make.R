# Rscript tests/omics/reference/make.R   (run in this folder's parent project; R 4.2, survival 3.5-3, limma 3.54.1)
# Debian: apt-get install r-base-core r-cran-survival r-bioc-limma
suppressPackageStartupMessages({library(survival); library(limma)})
here <- "tests/omics/reference"
d <- read.csv(file.path(here, "subjects.csv"))
x <- as.matrix(read.csv(file.path(here, "values.csv")))
counts <- as.matrix(read.csv(file.path(here, "counts.csv")))
rows <- list()
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 60)
cox <- function(form, name) for (j in seq_len(ncol(x))) {
  d$x <- x[, j]
  kept <- d[!is.na(d$x), ]
  fit <- coxph(form, kept, ties = "efron", control = tight)
  null <- coxph(update(form, . ~ . - x), kept, ties = "efron", control = tight)
  b0 <- c(0, coef(null))
  score <- coxph(form, kept, ties = "efron", init = b0, control = coxph.control(iter.max = 0))
  rows[[length(rows) + 1]] <<- data.frame(test = name, feature = colnames(x)[j],
    value = c(coef(fit)["x"], sqrt(vcov(fit)["x", "x"]), 2 * (fit$loglik[2] - tail(null$loglik, 1)), score$score),
    what = c("beta", "se", "lr", "score"))
}
cox(Surv(time, event) ~ x, "plain")
cox(Surv(time, event) ~ x + strata(site), "strata")
cox(Surv(time, event) ~ x + age + sex, "covariates")
for (j in seq_len(ncol(x))) {
  con <- concordance(Surv(d$time, d$event) ~ x[, j] + strata(d$site), reverse = TRUE)
  rows[[length(rows) + 1]] <- data.frame(test = "concordance", feature = colnames(x)[j],
    value = c(con$concordance, sqrt(con$var)), what = c("value", "se"))
}
limma <- function(fit, coef, name) {
  fit <- eBayes(fit)
  rows[[length(rows) + 1]] <<- data.frame(test = name, feature = colnames(x),
    value = c(fit$coefficients[, coef], fit$t[, coef], fit$p.value[, coef]),
    what = rep(c("beta", "t", "p"), each = ncol(x)))
}
limma(lmFit(t(x), cbind(1, d$response)), 2, "limma")
limma(lmFit(t(x), cbind(1, d$age, d$sex, d$response)), 4, "limma covariates")
design <- cbind(1, d$response)
limma(lmFit(voom(t(counts), design)), 2, "voom")
out <- do.call(rbind, rows)
out$value <- format(out$value, digits = 17)
write.csv(out, file.path(here, "reference.csv"), row.names = FALSE, quote = FALSE)
