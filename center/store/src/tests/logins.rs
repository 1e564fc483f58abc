//! Accounts and logins.

use super::*;

fn account(f: &Fixture, name: &str, role: &str) -> AccountId {
    let new = NewAccount {
        name: name.to_owned(),
        role: role.to_owned(),
        password: format!("hash of {name}"),
        agent: Some("ann".to_owned()),
    };
    f.store.create_account(TENANT, &new, at(1)).unwrap()
}

fn login(f: &Fixture, of: LoginOf, secret: &str, us: i64) -> LoginId {
    let new = NewLogin { of, password: None, hash: format!("hash of {secret}"), client: "a browser".to_owned() };
    f.store.put_login(TENANT, &new, at(us)).unwrap()
}

fn opens(f: &Fixture, secret: &str) -> Option<LoginRow> {
    f.store.login_by_hash(&format!("hash of {secret}")).unwrap()
}

fn token(f: &Fixture, role: &str, hash: &str) -> TokenId {
    let new = NewToken { name: "ci".to_owned(), role: role.to_owned(), hash: hash.to_owned() };
    f.store.put_token(TENANT, &new, at(1)).unwrap()
}

fn an_account_is_made_once_and_keeps_its_id_for_its_name(on: Backend) {
    let f = fixture(on, 0);
    let ann = account(&f, "ann", "agent");
    let again = NewAccount { name: "ann".to_owned(), ..NewAccount::default() };
    assert_eq!(f.store.create_account(TENANT, &again, at(2)).unwrap_err().kind, ErrorKind::Rule);
    let row = f.store.account(TENANT, "ann").unwrap().unwrap();
    assert_eq!(
        (row.account, row.role.as_str(), row.agent.as_deref(), row.disabled),
        (ann, "agent", Some("ann"), false)
    );
    let bob = account(&f, "bob", "admin");
    f.store.delete_account(TENANT, ann, at(3)).unwrap();
    assert_eq!(f.store.delete_account(TENANT, ann, at(3)).unwrap_err().kind, ErrorKind::NotFound);
    let change = AccountChange { disabled: Some(true), ..AccountChange::default() };
    assert_eq!(f.store.change_account(TENANT, ann, &change).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(f.store.account(TENANT, "ann").unwrap(), None);
    let names = |after| f.store.accounts(TENANT, after, 0).unwrap().into_iter().map(|row| row.name).collect::<Vec<_>>();
    assert_eq!(names(None), ["bob"]);
    assert_eq!(account(&f, "ann", "viewer"), ann);
    assert_eq!((names(None), names(Some(ann))), (vec!["ann".to_owned(), "bob".to_owned()], vec!["bob".to_owned()]));
    assert_ne!(ann, bob);
    assert_eq!(f.store.account(TenantId(2), "ann").unwrap(), None);
}

fn a_login_opens_until_it_its_account_or_its_token_ends(on: Backend) {
    let f = fixture(on, 0);
    let ann = account(&f, "ann", "agent");
    let of = LoginOf::Account(ann);
    let one = login(&f, of, "one", 5);
    let row = opens(&f, "one").unwrap();
    assert_eq!((row.login, row.of, row.name.as_str(), row.role.as_str()), (one, of, "ann", "agent"));
    assert_eq!((row.agent.as_deref(), row.created_at, row.last_used_at), (Some("ann"), at(5), at(5)));
    assert_eq!(f.store.account(TENANT, "ann").unwrap().unwrap().last_login_at, Some(at(5)));
    let same = NewLogin { of, password: None, hash: "hash of one".to_owned(), client: String::new() };
    assert_eq!(f.store.put_login(TENANT, &same, at(6)).unwrap_err().kind, ErrorKind::Rule);
    let nobody =
        NewLogin { of: LoginOf::Account(AccountId(99)), password: None, hash: "n".to_owned(), client: String::new() };
    assert_eq!(f.store.put_login(TENANT, &nobody, at(6)).unwrap_err().kind, ErrorKind::Rule);
    f.store.touch_login(TENANT, one, at(9)).unwrap();
    assert_eq!(opens(&f, "one").unwrap().last_used_at, at(9));

    let ci = token(&f, "admin", "t");
    let two = login(&f, LoginOf::Token(ci), "two", 6);
    assert_eq!(opens(&f, "two").unwrap().name, "ci");
    assert_eq!(f.store.end_login(TENANT, of, two).unwrap_err().kind, ErrorKind::NotFound, "another's login");
    f.store.revoke_token(TENANT, ci, at(7)).unwrap();
    assert_eq!(opens(&f, "two"), None);

    login(&f, of, "three", 7);
    assert_eq!(f.store.logins(TENANT, of).unwrap().len(), 2);
    f.store.end_login(TENANT, of, one).unwrap();
    assert!(opens(&f, "one").is_none() && opens(&f, "three").is_some());
    assert_eq!((f.store.end_logins(TENANT, of).unwrap(), f.store.end_logins(TENANT, of).unwrap()), (1, 0));
    // A login whose password was checked before it changed is not kept.
    let checked = |password: &str, hash: &str| {
        let password = Some(password.to_owned());
        let new = NewLogin { of, password, hash: hash.to_owned(), client: String::new() };
        f.store.put_login(TENANT, &new, at(8)).map(drop).map_err(|error| error.kind)
    };
    assert_eq!(checked("hash of ann", "hash of late"), Ok(()));
    assert_eq!(checked("hash of old ann", "hash of later"), Err(ErrorKind::NotFound));
    // Every change of the account ends what is open.
    for change in [
        AccountChange { role: Some("viewer".to_owned()), ..AccountChange::default() },
        AccountChange { password: Some("new".to_owned()), ..AccountChange::default() },
        AccountChange { disabled: Some(true), ..AccountChange::default() },
    ] {
        login(&f, of, "four", 8);
        f.store.change_account(TENANT, ann, &change).unwrap();
        assert_eq!(opens(&f, "four"), None, "{change:?}");
    }
    let row = f.store.account(TENANT, "ann").unwrap().unwrap();
    assert_eq!((row.role.as_str(), row.password.as_str(), row.disabled), ("viewer", "new", true));
    login(&f, of, "five", 9);
    assert_eq!(opens(&f, "five"), None, "of a disabled account");
}

fn old_logins_are_swept_and_nobody_has_more_than_the_most(on: Backend) {
    let f = fixture(on, 0);
    let of = LoginOf::Account(account(&f, "ann", "agent"));
    let first = login(&f, of, "first", 10);
    for n in 0..i64::from(LOGINS_MAX) {
        login(&f, of, &n.to_string(), 20 + n);
    }
    assert!(opens(&f, "first").is_none() && opens(&f, "0").is_some());
    assert_eq!(f.store.logins(TENANT, of).unwrap().len(), LOGINS_MAX as usize);
    assert_ne!(f.store.logins(TENANT, of).unwrap()[0].login, first);
    assert_eq!(f.store.sweep_logins(at(21), at(23)).unwrap(), 3, "began before 21: one; used before 23: two more");
    assert!(opens(&f, "2").is_none() && opens(&f, "3").is_some());
}

fn ways_in_are_counted_without_the_one_in_question(on: Backend) {
    let f = fixture(on, 0);
    let nobody = LoginOf::Account(AccountId(99));
    assert_eq!(f.store.ways_in(TENANT, "admin", nobody).unwrap(), 0);
    let ci = token(&f, "admin", "t");
    let ann = account(&f, "ann", "admin");
    account(&f, "bob", "viewer");
    let ways = |but| f.store.ways_in(TENANT, "admin", but).unwrap();
    assert_eq!((ways(nobody), ways(LoginOf::Token(ci)), ways(LoginOf::Account(ann))), (2, 1, 1));
    let change = AccountChange { disabled: Some(true), ..AccountChange::default() };
    f.store.change_account(TENANT, ann, &change).unwrap();
    assert_eq!(ways(LoginOf::Token(ci)), 0);
}

on_both! {
    an_account_is_made_once_and_keeps_its_id_for_its_name
    a_login_opens_until_it_its_account_or_its_token_ends
    old_logins_are_swept_and_nobody_has_more_than_the_most
    ways_in_are_counted_without_the_one_in_question
}
