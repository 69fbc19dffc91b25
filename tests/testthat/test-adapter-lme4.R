skip_if_not_installed("lme4")

sleepstudy <- lme4::sleepstudy
cbpp <- lme4::cbpp
VerbAgg <- lme4::VerbAgg # nolint: object_name_linter. The data set's own name.

test_that("the adapter for lmer conforms", {
  expect_adapter_conforms(
    adapter_lmer(), quote(lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy)),
    near = quote(lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy[-(1:18), ])),
    failing = quote(lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy, control = 1))
  )
})

test_that("the adapter for glmer conforms", {
  expect_adapter_conforms(
    adapter_glmer(),
    quote(lme4::glmer(incidence / size ~ period + (1 | herd), cbpp, binomial, weights = size)),
    near = quote(
      lme4::glmer(incidence / size ~ period + (1 | herd), cbpp[-(1:5), ], binomial, weights = size)
    ),
    failing = quote(lme4::glmer(incidence ~ period + (1 | herd), cbpp, quasipoisson)),
    tolerance = 1e-6
  )
})

test_that("the adapter for nlmer conforms", {
  expect_adapter_conforms(
    adapter_nlmer(),
    quote(
      lme4::nlmer(circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree, Orange,
        start = c(Asym = 200, xmid = 725, scal = 350))
    ),
    near = quote(
      lme4::nlmer(circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree, Orange[-1, ],
        start = c(Asym = 200, xmid = 725, scal = 350))
    ),
    failing = quote(
      lme4::nlmer(circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree, Orange,
        start = c(Asym = 200, xmid = 725))
    )
  )
})
