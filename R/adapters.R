# The adapters of this package, which are made with nothing but what any other can use.

.onLoad <- function(libname, pkgname) { # nolint: object_name_linter.
  for (adapter in c(adapters_optimisers(), list(adapter_mgcv_bam(), adapter_mgcv_gam()))) {
    register_warm_adapter(adapter)
  }
}
