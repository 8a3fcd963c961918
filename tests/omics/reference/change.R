# Rscript tests/omics/reference/change.R   (R 4.2, limma 3.54.1, nlme 3.1-162, DESeq2 1.38)
# Debian: apt-get install r-base-core r-bioc-limma r-cran-nlme r-bioc-deseq2
# Makes change_values.csv (repeated samples), deseq_counts.csv and the answers in change.csv.
suppressPackageStartupMessages({library(limma); library(nlme); library(DESeq2)})
here <- "tests/omics/reference"
set.seed(20260101)
rows <- list()
say <- function(test, feature, what, value) rows[[length(rows) + 1]] <<- data.frame(
  test = test, feature = feature, what = what, value = format(value, digits = 17))

# 18 patients, 3 visits, 60 features; some samples were never taken.
n <- 18; p <- 60
d <- expand.grid(subject = sprintf("S%02d", 1:n), visit = 0:2)
d$response <- as.numeric(as.integer(d$subject) <= 7)
d$month <- ifelse(d$visit == 0, 0, d$visit + round(runif(nrow(d), -0.15, 0.15), 3))
own <- matrix(rnorm(n * p, sd = 0.8), n)[as.integer(d$subject), ]
x <- own + 0.15 * d$month * (1 + d$response) + matrix(rnorm(nrow(d) * p, sd = 0.5), nrow(d))
x <- round(x, 6)
colnames(x) <- sprintf("F%02d", 1:p)
lost <- d$visit > 0 & runif(nrow(d)) < 0.2
d <- d[!lost, ]; x <- x[!lost, ]
write.csv(cbind(d, x), file.path(here, "change_values.csv"), row.names = FALSE, quote = FALSE)

# Baseline and visit 1, one block a subject.
two <- d$visit < 2
both <- names(which(table(d$subject[two]) == 2))
two <- two & d$subject %in% both
subject <- factor(d$subject[two])
fit <- eBayes(lmFit(t(x[two, ]), model.matrix(~ subject + d$visit[two])))
k <- ncol(fit$coefficients)
say("limma pairs", colnames(x), "beta", fit$coefficients[, k])
say("limma pairs", colnames(x), "t", fit$t[, k])
say("limma pairs", colnames(x), "p", fit$p.value[, k])

tight <- lmeControl(tolerance = 1e-12, msTol = 1e-14, opt = "optim", maxIter = 500, msMaxIter = 500, reltol = 1e-15)
for (f in colnames(x)[1:8]) {
  d$y <- x[, f]
  for (form in list(y ~ month, y ~ month * response)) {
    fit <- lme(form, d, random = ~ 1 | subject, method = "REML", control = tight)
    table <- summary(fit)$tTable
    name <- if (nrow(table) == 2) "lme slope" else "lme by response"
    term <- c("month", "response", "month:response")[seq_len(nrow(table) - 1)]
    for (what in list(c("estimate", "Value"), c("se", "Std.Error"), c("df", "DF"), c("p", "p-value")))
      say(paste(name, sub(":", " x ", term)), f, what[1], table[term, what[2]])
    sd <- as.numeric(VarCorr(fit)[, "StdDev"])
    say(name, f, c("sd between", "sd within"), sd)
  }
}

# Counts of 24 samples and 300 genes, 30 of them with a fold change.
genes <- 300; m <- 24
group <- rep(0:1, c(14, 10))
mean <- exp(rnorm(genes, 5, 1.2)); size <- 1 / ((0.08 + 4 / mean) * exp(rnorm(genes, 0, 0.3)))
fold <- c(rep(c(2.5, 1 / 2.5), 15), rep(1, genes - 30))
mu <- outer(mean, runif(m, 0.6, 1.6)) * outer(fold, group, "^")
counts <- matrix(rnbinom(genes * m, mu = mu, size = size), genes)
rownames(counts) <- sprintf("G%03d", 1:genes)
write.csv(t(counts), file.path(here, "deseq_counts.csv"), row.names = FALSE, quote = FALSE)
dds <- DESeqDataSetFromMatrix(counts, data.frame(group = factor(group)), ~ group)
dds <- suppressMessages(DESeq(dds, quiet = TRUE))
res <- results(dds, independentFiltering = FALSE, cooksCutoff = FALSE)
say("deseq2", rownames(counts), "stat", res$stat)
say("deseq2", rownames(counts), "lfc", res$log2FoldChange)
say("deseq2", rownames(counts), "p", res$pvalue)
say("deseq2", rownames(counts), "q", res$padj)
design <- cbind(1, group)
v <- eBayes(lmFit(voom(counts, design), design))
say("voom 24", rownames(counts), "t", v$t[, 2])
say("voom 24", rownames(counts), "p", v$p.value[, 2])
write.csv(do.call(rbind, rows), file.path(here, "change.csv"), row.names = FALSE, quote = FALSE)
