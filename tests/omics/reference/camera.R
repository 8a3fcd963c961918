# Writes the numbers that tests/omics/test_enrichment.py compares with.
# Run with: Rscript camera.R, in this folder; needs limma (written with R 4.2, limma 3.54.1).
library(limma)
set.seed(20240517)
genes <- sprintf("g%03d", 1:80)
group <- rep(0:1, c(6, 8))
y <- matrix(rnorm(80 * 14), 80, 14, dimnames = list(genes, sprintf("s%02d", 1:14)))
module <- rnorm(14)
y[1:15, ] <- 0.6 * y[1:15, ] + rep(module, each = 15)        # correlated, not associated
y[16:27, group == 1] <- y[16:27, group == 1] + 0.9            # associated
y[28:37, group == 1] <- y[28:37, group == 1] - 0.7            # associated, down
y <- round(y, 6)
sets <- list(correlated = genes[1:15], up = genes[16:27], down = genes[28:37],
             mixed = genes[c(5:10, 20:24, 60:66)], quiet = genes[50:70])
design <- cbind(1, group)
fit <- eBayes(lmFit(y, design))
statistic <- zscoreT(fit$t[, 2], df = fit$df.total, approx = TRUE, method = "hill")
estimated <- camera(y, sets, design, inter.gene.cor = NA, sort = FALSE)
preset <- camera(y, sets, design, inter.gene.cor = 0.01, sort = FALSE)
ranked <- cameraPR(statistic, sets, inter.gene.cor = 0.05, sort = FALSE)
write.csv(y, "camera_values.csv", quote = FALSE)
write.csv(data.frame(gene = genes, statistic = sprintf("%.15g", statistic)),
          "camera_statistics.csv", row.names = FALSE, quote = FALSE)
write.csv(data.frame(
  set = names(sets), genes = sapply(sets, paste, collapse = " "),
  correlation = sprintf("%.12g", estimated$Correlation),
  p_estimated = sprintf("%.12g", estimated$PValue), direction = estimated$Direction,
  p_preset = sprintf("%.12g", preset$PValue), p_ranked = sprintf("%.12g", ranked$PValue)),
  "camera.csv", row.names = FALSE, quote = FALSE)
