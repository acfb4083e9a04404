//! The routes that Twilio asks; GET and POST alike, each behind the signature, which its view takes as an argument.

use actix_web::web::{self, ServiceConfig};

use super::links::paths;
use super::views;

/// Adds the routes.
pub fn configure(config: &mut ServiceConfig) {
    macro_rules! both {
        ($path:expr, $view:path) => {
            config.service(web::resource($path).route(web::post().to($view)).route(web::get().to($view)));
        };
    }
    both!(paths::SECOND_LEG, views::second_leg);
    both!(paths::CONFERENCE, views::conference);
    both!(paths::FIRST_LEG_DISCONNECTED, views::first_leg_disconnected);
    both!(paths::WAIT, views::wait);
    both!(paths::ANNOUNCE, views::announce);
    both!(paths::GOODBYE, views::goodbye);
    both!(paths::CALL_STATUS, views::call_status);
    both!(paths::CONFERENCE_STATUS, views::conference_status);
}
