//! What numbers are read from answers, and what is not an answer.

use super::answer_number;

#[test]
fn the_answer_is_found_wherever_a_solution_puts_it() {
    for (text, want) in [
        ("16-3=13\n#### 1,234", 1234.0),
        ("So the total is $1,250.50.", 1250.5),
        (r"Thus \boxed{\frac{3}{4}} of it", 0.75),
        (r"We get \boxed{-17}", -17.0),
        ("The answer is 42. She had 7 left over.", 42.0),
        ("A: 18", 18.0),
        ("-5 degrees", -5.0),
        ("10 - 3 = 7", 7.0),
        ("2/3", 2.0 / 3.0),
        ("答案是：12", 12.0),
        ("It costs €3.", 3.0),
    ] {
        assert_eq!(answer_number(text), Some(want), "{text}");
    }
    assert_eq!(answer_number("none at all"), None);
}
