skip_if_not_installed("mgcv")

# A small binomial model on real data, and the same on other rows.
d <- as.data.frame(MASS_Pima())
