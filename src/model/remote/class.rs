//! What class of failure an error is: by its status, by the codes of the providers, and last by what its message opens with.

use super::fault::Fault;
use crate::model::ErrorClass;

/// Codes, and openings of messages, that say that no money or quota is left.
const QUOTA_CODES: &[&str] = &[
    "insufficientquota",
    "insufficientuserquota",
    "preconsumetokenquotafailed",
    "insufficientbalance",
    "insufficientcredits",
    "billinghardlimitreached",
    "billingnotactive",
    "exceededcurrentquotaerror",
    "arrearage",
    "accountoverdue",
    "accountoverdueerror",
    "inarrears",
    "lowbalance",
    // Zhipu and MiniMax: arrears, and limits per day, plan, week or month.
    "1113",
    "1304",
    "1308",
    "1309",
    "1310",
    // SiliconFlow.
    "30001",
    "baseresp1008",
];
const QUOTA_OPENINGS: &[&str] = &[
    "insufficient balance",
    "insufficient credits",
    "your credit balance is too low",
    "your newly created team doesn't have any credits",
    "sorry, your account balance is insufficient",
];
const AUTH_CODES: &[&str] = &[
    "invalidapikey",
    "incorrectapikey",
    "apikeyinvalid",
    "authenticationerror",
    "invalidauthenticationerror",
    "permissiondenied",
    "permissionerror",
    "accessdenied",
    "insufficientpermissions",
    "unsupportedcountryregionterritory",
    // LiteLLM without a database: a key other than its own cannot be looked up.
    "nodbconnection",
    "baseresp1004",
    "baseresp2049",
];
const NOT_FOUND_CODES: &[&str] = &["modelnotfound", "invalidmodel", "modelnotexist", "1211"];
const NOT_FOUND_OPENINGS: &[&str] = &[
    "model not exist",
    // LiteLLM, by route.
    "/chat/completions: invalid model name",
    "invalid model name passed in model=",
];
const RATE_CODES: &[&str] = &[
    "ratelimiterror",
    "ratelimitexceeded",
    "ratelimitreachederror",
    "toomanyrequests",
    "resourceexhausted",
    "throttling",
    "1302",
    "1303",
    "1305",
    "baseresp1002",
    "baseresp1039",
];
const BAD_REQUEST_CODES: &[&str] = &[
    "invalidrequesterror",
    "invalidrequest",
    "invalidparameter",
    "invalidargument",
    "badrequest",
    "badrequesterror",
    "contextlengthexceeded",
    "baseresp2013",
];

impl Fault {
    /// What kind of failure it is.
    pub(super) fn class(&self) -> ErrorClass {
        let status = self.status();
        let may_be_quota = matches!(status, None | Some(400 | 402 | 403 | 429));
        if status == Some(402)
            || may_be_quota
                && (self.has_code(QUOTA_CODES)
                    || self.opens_with(QUOTA_OPENINGS)
                    || self.has_used_its_credits())
        {
            return ErrorClass::Quota;
        }
        match status {
            Some(401) => ErrorClass::Auth,
            Some(404 | 405 | 410 | 300..=399) => ErrorClass::NotFound,
            Some(408) => ErrorClass::Timeout,
            Some(429 | 498) => ErrorClass::RateLimited,
            Some(409 | 424 | 425 | 499 | 500..) => ErrorClass::Server,
            _ if self.has_code(AUTH_CODES) || self.opens_with(&["api key not valid"]) => {
                ErrorClass::Auth
            }
            _ if self.has_code(NOT_FOUND_CODES) || self.opens_with(NOT_FOUND_OPENINGS) => {
                ErrorClass::NotFound
            }
            _ if self.has_code(RATE_CODES) => ErrorClass::RateLimited,
            Some(403) if self.speaks_of_the_key() => ErrorClass::Auth,
            Some(403) => ErrorClass::Forbidden,
            Some(_) => ErrorClass::BadRequest,
            None if self.has_code(BAD_REQUEST_CODES) => ErrorClass::BadRequest,
            None => ErrorClass::Server,
        }
    }

    /// xAI's sentence names the team in the middle.
    fn has_used_its_credits(&self) -> bool {
        self.messages.iter().any(|message| {
            message.starts_with("Your team ")
                && message.contains("has either used all available credits")
        })
    }

    /// Whether a 403 is about the key rather than about what was asked.
    fn speaks_of_the_key(&self) -> bool {
        self.messages.iter().any(|message| {
            let message = message.to_lowercase();
            [
                "api key",
                "api-key",
                "apikey",
                "credential",
                "permission",
                "access token",
                "auth token",
                "invalid token",
                "token expired",
            ]
            .iter()
            .any(|word| message.contains(word))
        })
    }

    /// Whether a message opens with one of the phrases given, which are in small letters.
    fn opens_with(&self, phrases: &[&str]) -> bool {
        self.messages.iter().any(|message| {
            let message = message.to_lowercase();
            phrases.iter().any(|p| message.starts_with(p))
        })
    }
}
