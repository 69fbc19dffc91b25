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
      adapter_lmer(), adapter_glmer(), adapter_glmer_nb(), adapter_nlmer(), adapter_glmmtmb()
    )
  )
  for (adapter in adapters) register_warm_adapter(adapter)
}
