//! Special functions.

use candor_stats::{
    beta_cdf, beta_quantile, binomial_cdf, chi_squared_sf, ln_beta, noncentral_t_cdf,
    normal_quantile, student_t_cdf, student_t_quantile,
};

use super::{each, floats};

#[test]
fn golden_special_functions() {
    each("special_functions", |case| {
        let a = floats(&case.value["args"]);
        let name = case.value["fn"].as_str().expect("a name");
        let got = match name {
            "normal_ppf" => normal_quantile(a[0]),
            "student_t_ppf" => student_t_quantile(a[0], a[1]),
            "student_t_cdf" => student_t_cdf(a[0], a[1]),
            "beta_ppf" => beta_quantile(a[0], a[1], a[2]),
            "beta_cdf" => beta_cdf(a[0], a[1], a[2]),
            "binomial_cdf" => binomial_cdf(a[0] as u64, a[1] as u64, a[2]),
            "chi2_sf" => chi_squared_sf(a[0], a[1]),
            "noncentral_t_cdf" => noncentral_t_cdf(a[0], a[1], a[2]),
            "ln_beta" => Ok(ln_beta(a[0], a[1])),
            other => panic!("no function {other}"),
        };
        case.close(got, &case.value["expected"], case.tolerance, name);
    });
}
