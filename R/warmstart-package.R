# Tests: test-adapter.R.

#' warmstart: long model fits that survive a crash
#'
#' Wrap a call that fits a model in [warm()]. The fit's state is kept on disk while it runs; after
#' a crash the same line goes on from there, and once it has finished it is returned at once.
#' Below `warm()` lies a small toolkit for fitters of your own: [fingerprint()] says which fit it
#' is, [warm_store()] is the directory that remembers, [warm_session()] decides what to keep of a
#' running fit and when.
#'
#' Where the store is, and what is said of a fit, are matters of [`warmstart-options`]; how to use
#' it in documents, pipelines and apps, of [`warmstart-recipes`].
#'
#' @useDynLib warmstart, .registration = TRUE, .fixes = "C_"
#' @keywords internal
"_PACKAGE"

# The adapters of this package, which are made with nothing but what any other can use.

.onLoad <- function(libname, pkgname) { # nolint: object_name_linter.
  adapters <- c(
    adapters_optimisers(),
    list(
      adapter_mgcv_bam(), adapter_mgcv_gam(),
      adapter_glm(), adapter_glm_nb(), adapter_nls(), adapter_loglin(),
      adapter_nnet(), adapter_multinom(),
      adapter_coxph(), adapter_survreg(),
      adapter_lme(), adapter_gls(),
      adapter_lmer(), adapter_lmertest(), adapter_glmer(), adapter_glmer_nb(), adapter_nlmer(),
      adapter_glmmtmb()
    )
  )
  for (adapter in adapters) register_warm_adapter(adapter)
}
