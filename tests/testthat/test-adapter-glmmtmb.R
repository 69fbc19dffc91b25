skip_if_not_installed("glmmTMB")

Salamanders <- glmmTMB::Salamanders # nolint: object_name_linter. The data set's own name.

test_that("the adapter for glmmTMB conforms", {
  expect_adapter_conforms(
    adapter_glmmtmb(),
    quote(
      glmmTMB::glmmTMB(count ~ mined + (1 | site), Salamanders, glmmTMB::nbinom2, ziformula = ~mined)
    ),
    near = quote(
      glmmTMB::glmmTMB(count ~ mined + (1 | site), Salamanders[-(1:60), ], glmmTMB::nbinom2,
        ziformula = ~mined)
    ),
    failing = quote(glmmTMB::glmmTMB(count ~ mined + (1 | site), Salamanders, quasipoisson))
  )
})
